"""Documents: files read from any supported format into text with headings and pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rag.core.sections import DocumentSettings
from rag.documents.discovery import load_bytes
from rag.documents.formats.limits import DEFAULTS
from rag.documents.formats.sections import Section
from rag.documents.parser_process import parse_in_child


@dataclass(frozen=True)
class Document:
    """One file, read.

    id: path relative to the indexed folder, with slashes. text: for Markdown, plain text, reStructuredText and source code the file's own characters,
    with the line ends that Python's open() gives, for other formats the extracted text; all character spans refer to it. sections: consecutive spans of
    `text`, less what is hidden from its readers, each with its heading path and, where the format has pages, its page (from 1). title: the first heading,
    else the file's name, for people and for the lexical search. digest: SHA-256 of the file's bytes. source: absolute path.
    """

    id: str
    source: str
    title: str
    text: str
    sections: tuple[Section, ...]
    digest: str


def parse_document(path: Path, id: str, data: bytes, settings: DocumentSettings = DEFAULTS) -> Document:
    """-> the file's content, as `load_bytes` gave it, as a Document. Raises DocumentError, with reason and remedy, when it can't be read."""
    text, sections = parse_in_child(path.name, data, settings)
    title = next(
        (section.headings[0] for section in sections if section.headings and not section.syntax),
        path.stem.replace("-", " "),
    )
    return Document(id, str(path.resolve()), title, text, tuple(sections), hashlib.sha256(data).hexdigest())


def read_document(path: Path, id: str, settings: DocumentSettings = DEFAULTS) -> Document:
    """-> the file as a Document. Raises DocumentError when it can't be read."""
    return parse_document(path, id, load_bytes(path, settings), settings)
