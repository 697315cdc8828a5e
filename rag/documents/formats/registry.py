"""Which reader reads which suffix, and what to do about files that none reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import PurePath

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats import file_signature, json_records
from rag.documents.formats.base import source_code
from rag.documents.formats.base.sections import Parsed, Section
from rag.documents.formats.calendar_file import parse_calendar
from rag.documents.formats.csv_table import parse_csv
from rag.documents.formats.email_message import parse_email
from rag.documents.formats.mailbox_file import parse_mailbox
from rag.documents.formats.office import docx, pptx, xlsx
from rag.documents.formats.pdf.reader import parse_pdf
from rag.documents.formats.text import html, notebook, plain_text

Parser = Callable[[bytes, DocumentSettings], Parsed]
READERS: dict[str, Parser] = {
    ".md": plain_text.parse_markdown,
    ".markdown": plain_text.parse_markdown,
    ".txt": plain_text.parse_text,
    ".text": plain_text.parse_text,
    ".rst": plain_text.parse_rst,
    ".html": html.parse_html,
    ".htm": html.parse_html,
    ".xhtml": html.parse_html,
    ".pdf": parse_pdf,
    ".docx": docx.parse_docx,
    ".pptx": pptx.parse_pptx,
    ".xlsx": xlsx.parse_xlsx,
    ".csv": parse_csv,
    ".tsv": parse_csv,
    ".jsonl": json_records.parse_json_lines,
    ".ndjson": json_records.parse_json_lines,
    ".json": json_records.parse_json,
    ".ics": parse_calendar,
    ".ipynb": notebook.parse_notebook,
    **{suffix: partial(source_code.parse_code, syntax=syntax) for suffix, syntax in source_code.SYNTAX.items()},
}
EMAIL, MAILBOX = ".eml", ".mbox"  # whose readers read attachments of all formats
SUFFIXES = (*READERS, EMAIL, MAILBOX)
OCR = "recognise its text first (OCR) and save that"
CONVERT = {
    "save it as .docx": ".doc .odt .rtf .pages",
    "save it as .xlsx": ".xls .ods .numbers",
    "save it as .pptx": ".ppt .odp .key",
    "save it as .eml": ".msg .pst",
    "unpack it": ".zip .gz .tar .tgz .7z .rar .bz2 .xz",
    "save it as .pdf": ".epub .djvu .ps",
    OCR: ".png .jpg .jpeg .gif .tif .tiff .bmp .webp .heic",
}
SAVE_AGAIN = "open it in the program that made it and save it again"


def require_reader(name: str) -> str:
    """Return the suffix of a file name, in lower case. Raises DocumentError when nothing reads it."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        otherwise = "save it in a format that is read, or name it in .ragignore"
        remedy = next((remedy for remedy, suffixes in CONVERT.items() if suffix in suffixes.split()), otherwise)
        raise DocumentError(f"no reader for {suffix or 'files without a suffix'}", remedy)
    return suffix


def parse(name: str, data: bytes, settings: DocumentSettings, depth: int = 0) -> Parsed:
    """Return text and sections of a file called `name`, and what of it could not be read.

    depth: how many messages the file is attached in. Raises DocumentError whatever is wrong with the file, and
    MemoryError.
    """
    try:
        return _parse(name, data, settings, depth)
    except (DocumentError, MemoryError):
        raise
    except RecursionError as error:
        raise DocumentError("it nests too deeply", SAVE_AGAIN) from error
    except Exception as error:  # noqa: BLE001 - parsers raise anything; one bad file must not stop the others
        words = next(iter(f"{type(error).__name__}: {error}".splitlines()), "").rstrip(": ")
        raise DocumentError(f"damaged ({words[:200]})", SAVE_AGAIN) from error


def _parse(name: str, data: bytes, settings: DocumentSettings, depth: int) -> Parsed:
    suffix = require_reader(name)
    file_signature.check_signature(suffix, data, settings)
    if suffix in (EMAIL, MAILBOX):
        read = partial(parse_email, read=partial(parse, settings=settings, depth=depth + 1), depth=depth)
        parsed = read(data) if suffix == EMAIL else parse_mailbox(data, read, settings)
    else:
        parsed = READERS[suffix](data, settings)
    if not parsed.text.strip():
        raise DocumentError("no text in it", "write something into it, or name it in .ragignore")
    if len(parsed.text) > settings.max_characters:
        reason = f"{len(parsed.text):,} characters, more than {settings.max_characters:,}"
        raise DocumentError(reason, "split it, or raise documents.max_characters")
    text = _storable(parsed.text)
    sections = [_storable_section(section, cells=text != parsed.text) for section in parsed.sections]
    return Parsed(text, sections, tuple(map(_storable, parsed.unread)))


def _storable_section(section: Section, cells: bool) -> Section:
    """Return a section with names that can be stored. cells: those of its cells, which are of the text, may not be."""
    named = section.cells
    if cells:
        named = tuple(
            dataclasses.replace(cell, row_name=_storable(cell.row_name), column=_storable(cell.column))
            for cell in named
        )
    return dataclasses.replace(section, headings=tuple(map(_storable, section.headings)), cells=named)


def _storable(text: str) -> str:
    """Replace what nothing can store or show: NULs and half surrogate pairs, as broken PDFs and JSON escapes have them.

    Each becomes one other character, so that all spans stay.
    """
    text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
