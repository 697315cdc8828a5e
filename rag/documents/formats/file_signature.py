"""What a file really is, whatever its name says, and whether a zip-based one may be unpacked."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings

# How a file begins, what it is then, and the suffix that it should have.
SIGNATURES = (
    (b"%PDF-", "a PDF", ".pdf"),
    (b"\x89PNG\r\n", "a PNG picture", ".png"),
    (b"\xff\xd8\xff", "a JPEG picture", ".jpg"),
    (b"GIF8", "a GIF picture", ".gif"),
    (b"II*\0", "a TIFF picture", ".tif"),
    (b"MM\0*", "a TIFF picture", ".tif"),
    (b"\x1f\x8b", "a gzip archive", ".gz"),
    (b"7z\xbc\xaf", "a 7z archive", ".7z"),
    (b"Rar!", "a RAR archive", ".rar"),
    (b"BZh", "a bzip2 archive", ".bz2"),
    (b"\xfd7zXZ", "an xz archive", ".xz"),
    (b"\x7fELF", "a program", ""),
    (b"SQLite format 3\0", "an SQLite database", ".sqlite"),
    (b"{\\rtf", "an RTF document", ".rtf"),
)
# Suffix, the folder inside that tells the format, and its name.
OFFICE = {
    ".docx": ("word/", "a Word document"),
    ".pptx": ("ppt/", "a PowerPoint presentation"),
    ".xlsx": ("xl/", "an Excel workbook"),
}
OLE = b"\xd0\xcf\x11\xe0"  # how a compound file begins: old and encrypted Office files
# A stream of a compound file, what the file is then, and the suffix to save it as.
OLD_OFFICE = (
    ("WordDocument", "an old Word document", ".docx"),
    ("PowerPoint Document", "an old PowerPoint presentation", ".pptx"),
    ("Workbook", "an old Excel workbook", ".xlsx"),
    ("__substg1.0", "an Outlook message", ".eml"),
)
COPY_AGAIN = "copy or download it again"
SMALL = 10_000_000  # bytes unpacked below which no ratio is suspicious


def check_signature(suffix: str, data: bytes, settings: DocumentSettings) -> None:
    """Raise DocumentError when the content is not of the suffix's format, is encrypted, or would unpack to too much."""
    if data.startswith(OLE):
        _refuse_ole(data)
    if data.startswith(b"PK\x03\x04") or (suffix in OFFICE and data.startswith(b"PK")):
        _check_zip(suffix, data, settings)
        return
    start = data[:1024] if suffix == ".pdf" else data[:16]  # a PDF may begin after other bytes
    for mark, words, real in SIGNATURES:
        if mark in start and (suffix == ".pdf" or start.startswith(mark)):
            if real != suffix:
                raise _misnamed(suffix, words, real)
            return
    if suffix == ".pdf" or suffix in OFFICE:
        if re.match(rb"\s*<(!doctype|html|\?xml)", data[:200], re.I):
            raise _misnamed(suffix, "a web page", ".html")
        raise DocumentError(f"no {suffix[1:].upper()} file, or a damaged one", COPY_AGAIN)


def _misnamed(suffix: str, words: str, real: str) -> DocumentError:
    read = real in (".pdf", ".html", *OFFICE)
    remedy = f"rename it to end in {real}" if read else "give it its right name, or name it in .ragignore"
    return DocumentError(f"named {suffix}, but it is {words}", remedy)


def _refuse_ole(data: bytes) -> None:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise DocumentError("the file is password-protected", "save it without a password")
    for stream, words, suffix in OLD_OFFICE:
        if stream.encode("utf-16-le") in data:
            raise DocumentError(f"{words}, which nothing here reads", f"save it as {suffix}")
    raise DocumentError("an old Office file, which nothing here reads", "save it in a newer format")


def _check_zip(suffix: str, data: bytes, settings: DocumentSettings) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(suffix, members, len(data), settings)
            for member in members:
                if member.filename.endswith((".xml", ".rels")):
                    _require_no_entities(archive, member)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError, zlib.error) as error:
        raise DocumentError("the file is damaged or broke off", COPY_AGAIN) from error


def _require_no_entities(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raise DocumentError where XML has a document type, by which entities grow; no Office program writes one."""
    with archive.open(member) as part:
        if b"<!DOCTYPE" in part.read(1024).replace(b"\0", b""):  # as UTF-16 too
            raise DocumentError("its XML declares entities, as attacks do", "save it again in an Office program")


def _check_members(suffix: str, members: list[zipfile.ZipInfo], packed: int, settings: DocumentSettings) -> None:
    names = [member.filename for member in members]
    real = next((s for s, (folder, _) in OFFICE.items() if any(name.startswith(folder) for name in names)), "")
    if any(member.flag_bits & 1 for member in members):
        raise DocumentError("the archive is password-protected", "unpack it, and add what is inside")
    if real != suffix:
        raise _misnamed(suffix, OFFICE[real][1] if real else "a zip archive", real)
    unpacked = sum(member.file_size for member in members)
    if unpacked > settings.max_unpacked or (unpacked > SMALL and unpacked > settings.max_ratio * packed):
        reason = f"a zip bomb, or very large: {packed:,} bytes unpack to {unpacked:,}"
        raise DocumentError(reason, "split it, or raise documents.max_unpacked and documents.max_ratio")
