"""Which reader reads which suffix, and what to do about suffixes that none reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import PurePath

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats import (
    email_message,
    file_signature,
    html,
    notebook,
    office,
    pdf,
    plain_text,
    source_code,
    tabular,
)
from rag.documents.formats.sections import Parsed

Parser = Callable[[bytes, DocumentSettings], Parsed]
READERS: dict[str, Parser] = {
    ".md": plain_text.parse_markdown, ".markdown": plain_text.parse_markdown, ".txt": plain_text.parse_text, ".text": plain_text.parse_text, ".rst": plain_text.parse_rst,
    ".html": html.parse_html, ".htm": html.parse_html, ".xhtml": html.parse_html, ".pdf": pdf.parse_pdf,
    ".docx": office.parse_docx, ".pptx": office.parse_pptx, ".xlsx": office.parse_xlsx,
    ".csv": tabular.parse_csv, ".tsv": tabular.parse_csv, ".jsonl": tabular.parse_json_lines, ".ndjson": tabular.parse_json_lines, ".json": tabular.parse_json,
    ".ipynb": notebook.parse_notebook,
    **{suffix: partial(source_code.parse_code, syntax=syntax) for suffix, syntax in source_code.SYNTAX.items()},
}  # fmt: skip
CONVERT = {
    "save it as .docx": (".doc", ".odt", ".rtf", ".pages"), "save it as .xlsx": (".xls", ".ods", ".numbers"), "save it as .pptx": (".ppt", ".odp", ".key"),
    "save it as .eml": (".msg", ".mbox", ".pst"), "unpack it": (".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz"),
    "save it as .pdf": (".epub", ".djvu", ".ps"),
    "recognise its text first (OCR) and save that": (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic"),
}  # fmt: skip
EMAIL = ".eml"
SAVE_AGAIN = "open it in the program that made it and save it again"
SUFFIXES = (*READERS, EMAIL)


def require_reader(name: str) -> str:
    """-> the suffix of a file name, in small letters. Raises DocumentError when nothing reads it."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        remedy = next(
            (remedy for remedy, suffixes in CONVERT.items() if suffix in suffixes),
            "save it in a format that is read, or name it in .ragignore",
        )
        raise DocumentError(f"no reader for {suffix or 'files without a suffix'}", remedy)
    return suffix


def parse(name: str, data: bytes, settings: DocumentSettings, inside: bool = False) -> Parsed:
    """-> text and sections of a file called `name`. inside: it is an attachment, whose own messages are not opened.

    Raises DocumentError whatever is wrong with the file, and MemoryError.
    """
    try:
        return _parse(name, data, settings, inside)
    except (DocumentError, MemoryError):
        raise
    except RecursionError as error:
        raise DocumentError("it nests too deeply", remedy=SAVE_AGAIN) from error
    except Exception as error:  # noqa: BLE001 - parsers of foreign files raise anything; one bad file must not stop the others
        words = next(iter(f"{type(error).__name__}: {error}".splitlines()), "").rstrip(": ")
        raise DocumentError(f"damaged ({words[:200]})", remedy=SAVE_AGAIN) from error


def _parse(name: str, data: bytes, settings: DocumentSettings, inside: bool) -> Parsed:
    suffix = require_reader(name)
    file_signature.check_signature(suffix, data, settings)
    if suffix == EMAIL:
        if inside:
            raise DocumentError("a message inside the message", remedy="save it by itself")
        text, sections = email_message.parse_email(
            data, lambda attached, content: parse(attached, content, settings, inside=True)
        )
    else:
        text, sections = READERS[suffix](data, settings)
    if not text.strip():
        raise DocumentError("no text in it", remedy="write something into it, or name it in .ragignore")
    if len(text) > settings.max_characters:
        raise DocumentError(
            f"{len(text):,} characters, more than {settings.max_characters:,}",
            remedy="split it, or raise documents.max_characters",
        )
    return _storable(text), [
        dataclasses.replace(section, headings=tuple(map(_storable, section.headings))) for section in sections
    ]


def _storable(text: str) -> str:
    """NULs and half characters, as broken PDFs and escapes in JSON give them, become other single characters: nothing can store or show them."""
    text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
