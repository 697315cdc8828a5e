"""Documents: found in folders, read from any supported format into text with headings and pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pathspec

from rag import parsers, pdf
from rag.errors import DocumentError

IGNORE_FILE = ".ragignore"
READERS: dict[str, Callable[[bytes], parsers.Parsed]] = {
    ".md": parsers.parse_markdown,
    ".txt": parsers.parse_text,
    ".html": parsers.parse_html,
    ".htm": parsers.parse_html,
    ".pdf": pdf.parse_pdf,
    ".docx": parsers.parse_docx,
    ".csv": parsers.parse_csv,
}


@dataclass(frozen=True)
class Document:
    """One file, read.

    id: path relative to the indexed folder, with slashes. text: for Markdown and plain text the file's own characters,
    for other formats the extracted text; all character spans refer to it. sections: consecutive spans of `text`, each with its
    heading path and, where the format has pages, its page (from 1). digest: SHA-256 of the file's bytes. source: absolute path.
    """

    id: str
    source: str
    title: str
    text: str
    sections: tuple[parsers.Section, ...]
    digest: str


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    path: Path
    reason: str


def read_document(path: Path, id: str) -> Document:
    """-> the file as a Document. Raises DocumentError, with the reason, when it can't be read."""
    parse = READERS.get(path.suffix.lower())
    if parse is None:
        raise DocumentError(f"no reader for {path.suffix or 'files without a suffix'}; there are {', '.join(sorted(READERS))}")
    try:
        data = path.read_bytes()
        text, sections = parse(data)
    except DocumentError:
        raise
    except Exception as error:  # noqa: BLE001 - parsers of foreign files raise anything; one bad file must not stop the others
        raise DocumentError(f"{type(error).__name__}: {error}".splitlines()[0]) from error
    if not text.strip():
        raise DocumentError("no text in it")
    title = next((section.headings[0] for section in sections if section.headings), path.stem.replace("-", " "))
    return Document(id, str(path.resolve()), title, text, tuple(sections), hashlib.sha256(data).hexdigest())


def find_files(target: Path) -> Iterator[tuple[Path, str]]:
    """-> (path, document id) of each file under a folder, or of one file, in a fixed order.

    A folder's .ragignore (gitignore syntax) and hidden files are left out. The id is the path relative to the folder; for a
    folder inside another that has a .ragignore, and for single files in one, relative to that outer one: a document keeps its id however it is named.
    """
    require(target)
    root = _root_of(target)
    if target.is_file():
        yield target, (target.parent.resolve() / target.name).relative_to(root).as_posix()
        return
    ignored = _ignored(target)
    for path in sorted(target.rglob("*")):
        inside = path.relative_to(target)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts) and not ignored.match_file(inside):
            yield path, (target.resolve() / inside).relative_to(root).as_posix()


def require(target: Path) -> None:
    """Raises DocumentError when there is no such file or folder."""
    if not target.exists():
        raise DocumentError(f"there is no file or folder {target}")


def _root_of(target: Path) -> Path:
    folder = (target if target.is_dir() else target.parent).resolve()
    for outer in (folder, *folder.parents):
        if (outer / IGNORE_FILE).exists():
            return outer
    return folder


def _ignored(folder: Path) -> pathspec.PathSpec:
    file = folder / IGNORE_FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return pathspec.PathSpec.from_lines("gitignore", lines)
