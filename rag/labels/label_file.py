"""A file of people's questions and answers, of whatever program: read, checked, and what was read of it named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.core.errors import DataError, DocumentError
from rag.documents.formats.base.encoding import decode, encoding_of
from rag.labels import columns
from rag.labels.columns import columns_of, role_of
from rag.labels.delimited import read_delimited
from rag.labels.file_faults import fault, missing_column, no_head, not_text
from rag.labels.json_file import read_json
from rag.labels.label_row import LabelledQuestion, RejectedRow, parse_row
from rag.labels.rows import FileRows, Row
from rag.labels.workbook import read_workbook

LISTED = 8  # numbers of rows, or names of columns, that one note lists
ZIP = b"PK\x03\x04"  # how a workbook begins
READ_ROLES = (columns.QUESTION, columns.ANSWER, columns.DOCUMENT)
SURE_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")  # the others are guessed


@dataclass(frozen=True)
class LabelFile:
    """What a file of labels holds. notes: what its reader should know of how it was read, one line each."""

    path: Path
    questions: tuple[LabelledQuestion, ...]
    rejected: tuple[RejectedRow, ...]
    notes: tuple[str, ...]


def read_label_file(path: Path) -> LabelFile:
    """Read people's questions and answers: text in any encoding with any separator, an Excel workbook, or JSON.

    Raises DataError, with the remedy, where the file can't be read or holds no question with its answer.
    """
    found = _read_rows(path)
    parsed = [parse_row(row) for row in found.rows]
    questions = tuple(each for each in parsed if isinstance(each, LabelledQuestion))
    rejected = tuple(each for each in parsed if isinstance(each, RejectedRow))
    _require_answers(path, found.rows, questions)
    return LabelFile(path, questions, rejected, (*_columns_read(found.rows), *found.notes, *_unmarked(questions)))


def _read_rows(path: Path) -> FileRows:
    try:
        data = path.read_bytes()
    except OSError as error:
        remedy = "name a file in it" if path.is_dir() else "check its name, and that you may read it"
        raise DataError(f"{path} can't be read ({error.strerror}): {remedy}") from error
    if not data.strip(b"\0\xff\xfe\xef\xbb\xbf \t\r\n"):
        raise fault(path, "is empty")
    try:
        found = _read_workbook(path, data) if data.startswith(ZIP) else _read_text(path, data)
    except DocumentError as error:
        raise DataError(f"{path} can't be read: {error}") from error
    if not found.rows:
        raise fault(path, "has no rows below its head")
    return found


def _read_workbook(path: Path, data: bytes) -> FileRows:
    found = read_workbook(data)
    if found is None:
        raise fault(path, "has no sheet with a row that names a column of questions and one of answers")
    return found


def _read_text(path: Path, data: bytes) -> FileRows:
    try:
        text, encoding = decode(data).replace("\ufeff", ""), encoding_of(data)
    except DocumentError as error:
        raise not_text(path, data) from error
    try:
        found = read_json(text) or read_delimited(text)
    except DataError as error:
        raise DataError(f"{path} can't be read: {error}") from error
    if found is None:
        raise no_head(path, text, encoding)
    guessed = () if encoding in SURE_ENCODINGS else (f"its characters are read as {encoding}",)
    return FileRows(found.rows, (*guessed, *found.notes))


def _require_answers(path: Path, rows: Sequence[Row], questions: Sequence[LabelledQuestion]) -> None:
    """Raise DataError where no row can have a question with an answer, since a column is missing or empty."""
    names = _names(rows)
    if names and not columns.is_head(names):
        raise missing_column(path, names)
    if questions and all(question.unmarked for question in questions):
        remedy = "fill them in, or write unanswerable where the documents do not answer"
        raise fault(path, f"has an answer in none of its {len(rows)} rows", remedy)


def _names(rows: Sequence[Row]) -> list[str]:
    """Return the names of all columns of the rows that could be read."""
    return list(dict.fromkeys(name for row in rows if not row.fault for name in row.cells))


def _columns_read(rows: Sequence[Row]) -> list[str]:
    """Return a note of the columns that questions, answers and documents are read from, and of the others."""
    names = _names(rows)
    layouts = {tuple(row.cells) for row in rows if not row.fault}
    read = {role: {found[0]: None for layout in layouts if (found := columns_of(role, layout))} for role in READ_ROLES}
    used = {name for found in read.values() for name in found}
    other_roles = {name for name in names if (role := role_of(name)) and role[0] not in READ_ROLES}
    words = [f"{role} from {' and '.join(map(repr, sorted(found)))}" for role, found in read.items() if found]
    unread = [name for name in names if name.strip() and name not in used and name not in other_roles]
    return [f"{', '.join(words)}{f'; not read: {listed(unread)}' if unread else ''}"] if words else []


def _unmarked(questions: Sequence[LabelledQuestion]) -> list[str]:
    rows = [str(question.row) for question in questions if question.unmarked]
    if not rows:
        return []
    return [f"answer empty, taken as not answered by the documents: {len(rows)} questions, rows {listed(rows)}"]


def listed(words: Sequence[str]) -> str:
    """Return the first words joined by commas, and how many more there are."""
    return ", ".join(words[:LISTED]) + (f" and {len(words) - LISTED} more" if len(words) > LISTED else "")
