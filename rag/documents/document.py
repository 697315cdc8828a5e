"""The document: a file of any supported format as text, with headings and pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rag.core.sections import DocumentSettings
from rag.documents.discovery import load_bytes
from rag.documents.formats.base.limits import DEFAULTS
from rag.documents.formats.base.sections import Section
from rag.documents.parser_process import parse_in_child


@dataclass(frozen=True)
class Document:
    """One file, read.

    id: path relative to the indexed folder, with slashes. source: absolute path. title: the first heading, else the
    file's name. text: of Markdown, plain text, reStructuredText and source code the file's own characters, with
    line ends as Python's open() gives them and each table's rows in place of what draws them; of other formats the
    extracted text. All character spans refer to it.
    sections: consecutive spans of the text, less what is hidden from its readers. digest: SHA-256 of the file's
    bytes. unread: one line for each part of the file that could not be read.
    """

    id: str
    source: str
    title: str
    text: str
    sections: tuple[Section, ...]
    digest: str
    unread: tuple[str, ...] = ()


def parse_document(path: Path, id: str, data: bytes, settings: DocumentSettings = DEFAULTS) -> Document:
    """Return the Document of a file with this content. Raises DocumentError when it can't be read."""
    parsed = parse_in_child(path.name, data, settings)
    title = next(
        (section.headings[0] for section in parsed.sections if section.headings and not section.syntax),
        path.stem.replace("-", " "),
    )
    digest = hashlib.sha256(data).hexdigest()
    return Document(id, str(path.resolve()), title, parsed.text, tuple(parsed.sections), digest, parsed.unread)


def read_document(path: Path, id: str, settings: DocumentSettings = DEFAULTS) -> Document:
    """Read a file as a Document. Raises DocumentError, with reason and remedy, when it can't be read."""
    return parse_document(path, id, load_bytes(path, settings), settings)
