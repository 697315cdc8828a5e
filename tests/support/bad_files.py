"""Files that are broken, hostile or odd, each with what reading it must say.

`python tests/support/bad_files.py` prints the table.
"""

from __future__ import annotations

import codecs
import io
import os
import shutil
import socket
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import samples
from samples import SAMPLES, lines, pdf, pdf_of, repacked, stream

if TYPE_CHECKING:
    from rag.core.sections import DocumentSettings

READ = ""  # odd, but reading it is right


@dataclass(frozen=True)
class Bad:
    """One such file.

    group: a row of the table. what: for people. name: the file's. make: its content, or a function that puts it at
    a path. reason: a pattern that is found in the reason, or READ.
    """

    group: str
    what: str
    name: str
    make: bytes | Callable[[Path], object]
    reason: str

    def put(self, folder: Path) -> Path:
        """Write the file into a folder, and return its path."""
        path = folder / self.name
        if isinstance(self.make, bytes):
            path.write_bytes(self.make)
        else:
            self.make(path)
        return path


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def locked(data: bytes) -> bytes:
    """Return the zip with every member marked as encrypted."""
    data = bytearray(data)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = data.find(mark)
        while start >= 0:
            data[start + at] |= 1
            start = data.find(mark, start + 4)
    return bytes(data)


def compound(*streams: str) -> bytes:
    """Return how an OLE compound file with these streams begins: an old or encrypted Office file."""
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(504)
        + b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in streams)
    )


def grown(sample: str, member: str, size: int) -> Callable[[Path], object]:
    """Return a function that writes an Office file with one more part, which unpacks to `size` spaces."""

    def make(path: Path) -> None:
        path.write_bytes(SAMPLES[sample])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as part:
            for _ in range(size // 1_000_000):
                part.write(b" " * 1_000_000)

    return make


def laughing(sample: str, member: str) -> bytes:
    """Return an Office file with a part of entities that expand to entities (the billion laughs)."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return repacked(
        SAMPLES[sample],
        **{member: f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><x>&l11;</x>'.encode()},
    )


def pdf_bomb(path: Path) -> None:
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    path.write_bytes(
        pdf_of(
            [
                "<< /Type /Catalog /Pages 2 0 R >>",
                "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                page,
                stream(b"q " * 50_000_000),
            ]
        )
    )


def sparse(size: int) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.touch()
        os.truncate(path, size)

    return make


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(path.parent)  # the path of a socket may be 100 characters long
        made.bind(path.name)
        os.chdir(here)


def loop(path: Path) -> None:
    other = path.with_name(f"other-{path.name}")
    other.symlink_to(path)
    path.symlink_to(other)


def folder_loop(path: Path) -> None:
    path.symlink_to(path.parent)


def cut(name: str, share: float) -> bytes:
    return SAMPLES[name][: int(len(SAMPLES[name]) * share)]


LOCK = "<< /Filter /Standard /V 1 /R 2 /O <{0}> /U <{0}> /P -4 >>".format("ab" * 32)
DEEP_XML = b"<w:p>" * 20_000 + b"</w:p>" * 20_000
WORD_XML = b'<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>%s</w:body></w:document>'
PAGE = lines((10, "Some words."))
EMPTY = "no text"
TEXT_NAMES = ("md", "txt", "rst", "html", "csv", "jsonl", "py")
LOOPED = pdf_of(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"])

BAD = [
    *(Bad("empty", f"an empty .{s}", f"empty.{s}", b"", EMPTY) for s in TEXT_NAMES),
    Bad("empty", "an empty PDF", "empty.pdf", b"", "no PDF"),
    Bad("empty", "an empty Word file", "empty.docx", b"", "no DOCX"),
    Bad("empty", "an empty notebook", "empty.ipynb", b"", "not JSON"),
    Bad("empty", "an empty e-mail", "empty.eml", b"", "no e-mail"),
    Bad("empty", "white space only", "blank.txt", b" \n\t \r\n", EMPTY),
    Bad("empty", "a byte order mark only", "mark.md", codecs.BOM_UTF8, EMPTY),
    Bad("empty", "a page of scripts", "scripts.html", b"<script>x()</script><style>p{}</style>", EMPTY),
    Bad("empty", "a workbook without cells", "cells.xlsx", samples.saved(samples.openpyxl.Workbook()), EMPTY),
    Bad("empty", "a Word file without words", "words.docx", samples.saved(samples.docx.Document()), EMPTY),
    Bad("empty", "a presentation without slides", "slides.pptx", samples.saved(samples.pptx.Presentation()), EMPTY),
    Bad("empty", "a notebook without cells", "cells.ipynb", b'{"nbformat": 4, "metadata": {}, "cells": []}', EMPTY),
    Bad("empty", "JSON null", "null.json", b"null", EMPTY),
    Bad("empty", "a scan: a PDF without text", "scan.pdf", pdf("0 0 100 100 re f"), "only pictures"),
    Bad("empty", "a PDF without pages", "pages.pdf", pdf(), "no pages"),
    *(
        Bad("truncated", f"half a {n[2:]}", f"half.{n[2:]}", cut(n, 0.5), "damaged")
        for n in ("a.docx", "a.pptx", "a.xlsx")
    ),
    *(
        Bad("truncated", f"nine tenths of a {n[2:]}", f"most.{n[2:]}", cut(n, 0.9), "damaged")
        for n in ("a.docx", "a.pptx", "a.xlsx")
    ),
    Bad("truncated", "a fifth of a PDF", "fifth.pdf", cut("a.pdf", 0.2), "damaged"),
    Bad("truncated", "a PDF's first line", "line.pdf", b"%PDF-1.4 broken", "damaged"),
    Bad("truncated", "half a notebook", "half.ipynb", cut("a.ipynb", 0.5), "not JSON"),
    Bad("truncated", "JSON lines that break off", "half.jsonl", cut("a.jsonl", 0.7), "line 2 is not JSON"),
    Bad("truncated", "half a JSON file", "half.json", cut("a.json", 0.5), "not JSON"),
    Bad("truncated", "half an HTML page", "half.html", cut("a.html", 0.6), READ),
    Bad("truncated", "half an e-mail", "half.eml", cut("a.eml", 0.4), READ),
    Bad("truncated", "Python that breaks off in a string", "half.py", SAMPLES["a.py"][:100] + b"'''", READ),
    Bad(
        "password",
        "a PDF with a password",
        "locked.pdf",
        pdf(PAGE, more=f"/Encrypt {LOCK} /ID [<00> <00>]"),
        "password-protected",
    ),
    *(
        Bad(
            "password",
            f"an encrypted .{s}",
            f"locked.{s}",
            compound("EncryptionInfo", "EncryptedPackage"),
            "password-protected",
        )
        for s in ("docx", "xlsx", "pptx")
    ),
    Bad("password", "a zip with a password named .docx", "zip.docx", locked(SAMPLES["a.docx"]), "password-protected"),
    Bad("old format", "Word 97 named .docx", "old.docx", compound("WordDocument"), "old Word"),
    Bad("old format", "Excel 97 named .xlsx", "old.xlsx", compound("Workbook"), "old Excel"),
    Bad("old format", "Word 97", "old.doc", compound("WordDocument"), "no reader for .doc"),
    Bad("binary", "NUL bytes in text", "nul.txt", b"one\0two\0three", "binary"),
    Bad("binary", "NUL bytes in CSV", "nul.csv", b"a\x00b", "binary"),
    Bad("binary", "NUL bytes late in Markdown", "late.md", b"word " * 1000 + b"\0" * 50, "binary"),
    Bad("binary", "random bytes in Markdown", "random.md", bytes(range(256)) * 40, "binary"),
    Bad("binary", "control characters in text", "control.txt", b"\1\2\3\4\5 words " * 20, "binary"),
    Bad("binary", "random bytes in HTML", "random.html", bytes(range(255, -1, -1)) * 40, "binary"),
    Bad("binary", "a picture", "photo.png", b"\x89PNG\r\n\x1a\n", "no reader for .png"),
    Bad("binary", "an archive", "all.zip", zipped({"a.md": b"# A"}), "no reader for .zip"),
    Bad("binary", "a program", "run.exe", b"MZ\x90", "no reader for .exe"),
    Bad("binary", "a file without a suffix", "README", b"words", "without a suffix"),
    Bad("misnamed", "a PDF named .docx", "pdf.docx", SAMPLES["a.pdf"], "it is a PDF"),
    Bad("misnamed", "a PDF named .txt", "pdf.txt", SAMPLES["a.pdf"], "it is a PDF"),
    Bad("misnamed", "a picture named .md", "png.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is a PNG"),
    Bad("misnamed", "a picture named .html", "jpg.html", b"\xff\xd8\xff\xe0\0\x10JFIF", "it is a JPEG"),
    Bad(
        "misnamed",
        "a web page named .pdf",
        "page.pdf",
        SAMPLES["a.html"].replace(b"<title>", b"<!doctype html><title>"),
        "it is a web page",
    ),
    Bad("misnamed", "text named .pdf", "text.pdf", b"only words", "no PDF"),
    Bad("misnamed", "text named .docx", "text.docx", b"only words", "no DOCX"),
    Bad("misnamed", "a Word file named .pdf", "word.pdf", SAMPLES["a.docx"], "it is a Word document"),
    Bad("misnamed", "a workbook named .docx", "book.docx", SAMPLES["a.xlsx"], "it is an Excel workbook"),
    Bad("misnamed", "a Word file named .md", "word.md", SAMPLES["a.docx"], "it is a Word document"),
    Bad("misnamed", "a zip archive named .pptx", "zip.pptx", zipped({"notes.txt": b"words"}), "it is a zip archive"),
    Bad("misnamed", "gzip named .csv", "gzip.csv", b"\x1f\x8b\x08\0\0\0\0\0", "it is a gzip"),
    Bad("misnamed", "RTF named .txt", "rtf.txt", rb"{\rtf1\ansi words}", "it is an RTF"),
    Bad("misnamed", "prose named .eml", "prose.eml", b"Only words, no head.\n", "no e-mail"),
    Bad("misnamed", "Markdown named .ipynb", "prose.ipynb", b"# Words", "not JSON"),
    Bad(
        "bomb",
        "a Word file that unpacks to 400 MB",
        "bomb.docx",
        grown("a.docx", "word/media/large.bin", 400_000_000),
        "zip bomb",
    ),
    Bad(
        "bomb",
        "a workbook that unpacks to 40 MB from 50 kB",
        "bomb.xlsx",
        grown("a.xlsx", "xl/worksheets/sheet9.xml", 40_000_000),
        "zip bomb",
    ),
    Bad(
        "bomb",
        "a presentation that unpacks to 400 MB",
        "bomb.pptx",
        grown("a.pptx", "ppt/slides/slide9.xml", 400_000_000),
        "zip bomb",
    ),
    Bad("bomb", "a PDF page that unpacks to 100 MB", "bomb.pdf", pdf_bomb, "memory|got no further"),
    *(
        Bad("bomb", f"a billion laughs in a .{n[2:]}", f"laugh.{n[2:]}", laughing(n, m), "declares entities")
        for n, m in (("a.docx", "word__document"), ("a.xlsx", "xl__styles"), ("a.pptx", "ppt__presentation"))
    ),
    Bad(
        "bomb",
        "a billion laughs in HTML",
        "laugh.html",
        b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><p>&b; words</p>',
        READ,
    ),
    Bad("nested", "HTML 50,000 tags deep", "deep.html", b"<div>" * 50_000 + b"words" + b"</div>" * 50_000, READ),
    Bad("nested", "HTML with 20,000 tables in each other", "tables.html", b"<table><tr><td>" * 20_000 + b"words", READ),
    Bad("nested", "JSON 100,000 lists deep", "deep.json", b"[" * 100_000 + b"]" * 100_000, "nests too deeply"),
    Bad(
        "nested",
        "JSON lines 100,000 objects deep",
        "deep.jsonl",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "nests too deeply",
    ),
    Bad("nested", "a notebook 100,000 lists deep", "deep.ipynb", b'{"cells":' + b"[" * 100_000, "not in Jupyter"),
    Bad("nested", "Python 10,000 brackets deep", "deep.py", b"x = " + b"(" * 10_000 + b")" * 10_000, READ),
    Bad(
        "nested",
        "a Word file of 20,000 paragraphs in each other",
        "deep.docx",
        repacked(SAMPLES["a.docx"], word__document=WORD_XML % DEEP_XML),
        "depth",
    ),
    Bad("nested", "a PDF whose pages contain themselves", "loop.pdf", LOOPED, "no pages|damaged|got no further"),
    Bad(
        "nested",
        "messages in messages",
        "deep.eml",
        b"Subject: a\nContent-Type: message/rfc822\n\n" * 500 + b"words",
        READ,
    ),
    Bad("schema", "a notebook that is a list", "list.ipynb", b"[1, 2]", "not in Jupyter"),
    Bad("schema", "a notebook whose cells are numbers", "numbers.ipynb", b'{"cells": [1, 2]}', "not in Jupyter"),
    Bad("schema", "a notebook without a list of cells", "none.ipynb", b'{"nbformat": 4}', "not in Jupyter"),
    Bad(
        "schema",
        "a Word file without its document",
        "part.docx",
        zipped({"word/other.xml": b"<x/>", "[Content_Types].xml": b"<x/>"}),
        "damaged",
    ),
    Bad(
        "schema",
        "a Word file whose document is no XML",
        "noxml.docx",
        repacked(SAMPLES["a.docx"], word__document=b"not xml"),
        "damaged",
    ),
    Bad(
        "schema",
        "a workbook whose sheet is no XML",
        "noxml.xlsx",
        repacked(SAMPLES["a.xlsx"], xl__worksheets__sheet1=b"not xml"),
        "damaged",
    ),
    Bad(
        "schema",
        "a PDF whose places are wrong",
        "xref.pdf",
        SAMPLES["a.pdf"].replace(b"startxref\n", b"startxref\n9"),
        READ,
    ),
    Bad(
        "schema",
        "a PDF whose page is no page",
        "page.2.pdf",
        SAMPLES["a.pdf"].replace(b"/Kids [4 0 R 6 0 R]", b"/Kids [3 0 R 9 0 R]"),
        READ,
    ),
    Bad(
        "schema",
        "an e-mail with a broken head",
        "head.eml",
        b"Subject: =?utf-8?B?!!!?=\nFrom: <<>>@@\nDate: never\nContent-Type: text/plain; charset=no-such\n\nwords \xff",
        READ,
    ),
    Bad(
        "schema",
        "an e-mail whose parts never begin",
        "parts.eml",
        b"Subject: a\nContent-Type: multipart/mixed; boundary=x\n\nwords",
        READ,
    ),
    Bad("schema", "JSON lines with a broken line", "line.jsonl", b'{"a": 1}\n{"b": \n{"c": 2}\n', "line 2 is not JSON"),
    Bad("schema", "CSV with broken quotes", "quotes.csv", b'a,b\n"one,two\nthree,"four"five\n', READ),
    Bad("schema", "CSV with rows of all lengths", "rows.csv", b"a,b\n1\n1,2,3,4\n\n2,3\n", READ),
    Bad("schema", "Markdown with a fence that never ends", "fence.md", b"# A\n\n```\n# code\n", READ),
    Bad("schema", "Python 2", "two.py", b"print 'words'\n", READ),
    Bad("encoding", "bytes that are no UTF-8", "latin.txt", "Fee: £15 – “due” now".encode("cp1252"), READ),
    Bad("encoding", "half a UTF-8 character at the end", "half.md", "# Straße\n\nMaß".encode()[:-1], READ),
    Bad(
        "encoding",
        "UTF-16 without a byte order mark",
        "wide.txt",
        "The tide turns at noon.\n".encode("utf-16-le"),
        READ,
    ),
    Bad(
        "encoding",
        "UTF-16 cut in the middle of a character",
        "odd.txt",
        "The tide turns at noon.\n".encode("utf-16")[:-1],
        READ,
    ),
    Bad("encoding", "UTF-32", "wider.md", "# Tide\n\nIt turns.".encode("utf-32"), READ),
    Bad(
        "encoding",
        "Shift-JIS",
        "japan.txt",
        ("港湾事務所は八時半に開きます。起重機は四十トンを持ち上げます。" * 5).encode("shift-jis"),
        READ,
    ),
    Bad(
        "encoding",
        "HTML that declares an encoding that is none",
        "charset.html",
        b'<meta charset="klingon"><p>words</p>',
        READ,
    ),
    Bad(
        "encoding",
        "HTML that declares another encoding than it has",
        "lies.html",
        '<meta charset="ascii"><p>Maß</p>'.encode(),
        READ,
    ),
    Bad("encoding", "half a surrogate pair in JSON", "half.ndjson", b'{"a": "x\\ud800y"}\n', READ),
    Bad("large", "500 MB of Markdown", "large.md", sparse(500_000_000), "more than"),
    Bad("large", "500 MB of PDF", "large.pdf", sparse(500_000_000), "more than"),
    Bad("large", "5 TB", "huge.txt", sparse(5_000_000_000_000), "more than"),
    Bad("large", "one line of 5 MB", "line.txt", b"word " * 1_000_000, READ),
    Bad("large", "5 MB without a space", "solid.txt", b"x" * 5_000_000, READ),
    Bad("large", "a heading of 1 MB", "heading.md", b"# " + b"a " * 500_000 + b"#" * 1000 + b"x\n\nwords", READ),
    Bad("large", "Markdown of 300,000 hashes and spaces", "hashes.md", b"# a" + b" #" * 300_000 + b" b\n\nwords", READ),
    Bad(
        "large",
        "CSV with 100,000 columns",
        "columns.csv",
        b"\n".join(b",".join(b"c%d" % n for n in range(100_000)) for _ in range(2)),
        READ,
    ),
    Bad("large", "a CSV cell of 1 MB", "cell.csv", b'a,b\n1,"' + b"x" * 1_000_000 + b'"\n', READ),
    Bad(
        "large",
        "a workbook that says it has a billion cells",
        "cells.2.xlsx",
        repacked(
            SAMPLES["a.xlsx"],
            xl__worksheets__sheet1=(
                b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                b'<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
                b'<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>'
            ),
        ),
        READ,
    ),
    Bad("large", "a PDF of 6,000 pages", "pages.2.pdf", pdf(*["q Q"] * 6_000), "more than 5,000"),
    Bad("place", "a named pipe", "pipe.md", os.mkfifo, "pipe, socket or device"),
    Bad("place", "a socket", "socket.md", bound, "pipe, socket or device"),
    Bad("place", "a link to a device", "zero.txt", lambda path: path.symlink_to("/dev/zero"), "pipe, socket or device"),
    Bad("place", "links in a circle", "circle.md", loop, "circle"),
    Bad("place", "a link to its own folder", "folder", folder_loop, "link to a folder"),
    Bad("place", "a link to nothing", "nothing.md", lambda path: path.symlink_to("/nowhere/at/all.md"), "not there"),
]


def outcome(bad: Bad, folder: Path, settings: DocumentSettings | None = None) -> tuple[str, str]:
    """Return reason and remedy, both empty when the file was read."""
    from rag.core.errors import DocumentError
    from rag.core.sections import DocumentSettings
    from rag.documents.document import read_document

    path = bad.put(folder)
    try:
        read_document(path, path.name, settings or DocumentSettings())
    except DocumentError as error:
        return error.reason, error.remedy
    return "", ""


def main() -> None:
    import resource
    import time

    folder = Path(tempfile.mkdtemp())
    for bad in BAD:
        start = time.perf_counter()
        reason, remedy = outcome(bad, folder)
        took, said = time.perf_counter() - start, f"{reason}: {remedy}" if reason else "read"
        print(f"{bad.group:10} | {bad.what:50} | {took:5.2f} s | {said}", flush=True)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"{len(BAD)} files; most memory of a parser {most:.2f} GB")
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
