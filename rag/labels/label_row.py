"""One row of people's labels: its question and right answers, or the reason why it can't be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rag.labels import columns
from rag.labels.columns import columns_of
from rag.labels.promptfoo import CSV_COLUMN, expected_answers
from rag.labels.rows import Row
from rag.labels.values import Answers, read_answers, read_flag, read_question, read_texts

LONGEST_QUESTION, LONGEST_NAME = 2000, 255  # characters of a question, and of a document's name
NO_QUESTION, NO_ANSWER = "has no question", "has no answer"
NO_VERDICT, NO_CORRECTION = "no thumb and no correction", "thumb down without a correction"
CONTRADICTION = "is marked as unanswerable and has an answer"
UNREADABLE = "has an answer that can't be read"
UNDECODED = "has characters that could not be decoded"


@dataclass(frozen=True)
class LabelledQuestion:
    """A person's question.

    row: its number in the file. answers: the right ones, none where the documents do not answer it. document: the one
    that answers it, as the person names it, "" where that is not known. contexts: passages that the answer stands in.
    id, kind: as in the file, or "". unmarked: whether it counts as unanswerable only because its answer is empty.
    """

    row: int
    question: str
    answers: tuple[str, ...]
    document: str = ""
    contexts: tuple[str, ...] = ()
    id: str = ""
    kind: str = ""
    unmarked: bool = False


@dataclass(frozen=True)
class RejectedRow:
    """A row that can't be used. reason: the same for all rows with this fault. detail: what is wrong in this one."""

    row: int
    reason: str
    detail: str
    cells: dict[str, Any]

    def __str__(self) -> str:
        return f"row {self.row}: {self.reason}{f': {self.detail}' if self.detail else ''}"


class _Unusable(Exception):
    def __init__(self, reason: str, detail: str = ""):
        self.reason, self.detail = reason, detail


def parse_row(row: Row) -> LabelledQuestion | RejectedRow:
    """Return the row's question, or why it can't be used.

    Of a line of the log that `rag ask --log` keeps, only what a person has confirmed or corrected is an answer.
    """
    try:
        if row.fault:
            raise _Unusable(row.fault, row.detail)
        return _question(row.number, row.cells)
    except _Unusable as error:
        return RejectedRow(row.number, error.reason, error.detail, row.cells)


def _question(number: int, cells: dict[str, Any]) -> LabelledQuestion:
    question = read_question(_first(columns.QUESTION, cells))
    if not question:
        raise _Unusable(NO_QUESTION)
    if len(question) > LONGEST_QUESTION:
        raise _Unusable(
            "has a question that is too long", f"{len(question):,} characters, {LONGEST_QUESTION:,} at most"
        )
    is_logged = any(columns_of(role, cells) for role in (columns.THUMB, columns.CORRECTION))
    answers = _confirmed_answers(cells) if is_logged else _given_answers(cells)
    if any("\ufffd" in text for text in (question, *answers.texts)):
        raise _Unusable(UNDECODED, "save the file as UTF-8")
    document = _document(cells)
    contexts = [text for name in columns_of(columns.CONTEXT, cells) for text in read_texts(cells[name])]
    return LabelledQuestion(
        number,
        question,
        answers.texts,
        document if _is_name(document) else "",
        (*contexts, *([] if _is_name(document) else [document])),
        _word(_first(columns.ID, cells)),
        _word(_first(columns.KIND, cells)),
        unmarked=not answers.texts and not answers.refused,
    )


def _given_answers(cells: dict[str, Any]) -> Answers:
    """Return the answers of the row, marked as refused where it says that nothing answers."""
    impossible, names = _is_impossible(cells), columns_of(columns.ANSWER, cells)
    found = _read(names[0], cells[names[0]]) if names else Answers()
    if impossible:
        if found.texts:
            raise _Unusable(CONTRADICTION, f"{found.texts[0]!r}")
        return Answers(refused=True)
    if not found.readable:
        raise _Unusable(UNREADABLE, 'write it as text, or several as ["...", "..."]')
    if not found.texts and (not names or impossible is False):
        raise _Unusable(NO_ANSWER, "although it is marked as answerable" if impossible is False else "")
    if not found.texts and not found.refused:
        _require_no_other(names, cells)
    return found


def _require_no_other(names: list[str], cells: dict[str, Any]) -> None:
    """Raise where the column of answers is empty, and another could be meant."""
    other = next((name for name in names[1:] if read_answers(cells[name]).texts), None)
    if other:
        raise _Unusable(NO_ANSWER, f"{names[0]!r} is empty, and {other!r} need not be right: fill in {names[0]!r}")


def _read(name: str, value: Any) -> Answers:
    if not name.startswith(CSV_COLUMN) or not isinstance(value, str):
        return read_answers(value)
    expected = expected_answers(value)
    if expected is None:
        raise _Unusable(NO_ANSWER, f"{value[:60]!r} is a check of another kind")
    return read_answers(expected)


def _is_impossible(cells: dict[str, Any]) -> bool | None:
    """Return whether the row is marked as unanswerable, None where it is not marked."""
    for role in (columns.IMPOSSIBLE, columns.POSSIBLE):
        for name in columns_of(role, cells):
            if not _word(cells[name]):
                continue
            flag = read_flag(cells[name])
            if flag is None:
                raise _Unusable("has a mark that says neither yes nor no", f"{name!r} is {cells[name]!r}")
            return flag if role == columns.IMPOSSIBLE else not flag
    return None


def _confirmed_answers(cells: dict[str, Any]) -> Answers:
    """Return the answers that a line of a log confirms."""
    correction, thumb = read_answers(_first(columns.CORRECTION, cells)), _first(columns.THUMB, cells)
    if correction.texts or correction.refused:
        return correction
    if thumb != "up":
        raise _Unusable(NO_CORRECTION if thumb == "down" else NO_VERDICT)
    if cells.get("refused"):
        return Answers(refused=True)
    confirmed = read_answers(cells["text"] if cells.get("text") else _first(columns.ANSWER, cells))
    if not confirmed.texts and not confirmed.refused:
        raise _Unusable(NO_ANSWER)
    return confirmed


def _document(cells: dict[str, Any]) -> str:
    value = _first(columns.DOCUMENT, cells)
    if value is not None and not isinstance(value, str):
        raise _Unusable("names no document by its name", f"{value!r}"[:80])
    return (value or "").strip()


def _is_name(document: str) -> bool:
    """Return whether a cell names a document; some programs put the document's text there."""
    return len(document) <= LONGEST_NAME and "\n" not in document


def _first(role: str, cells: dict[str, Any]) -> Any:
    names = columns_of(role, cells)
    return cells[names[0]] if names else None


def _word(value: Any) -> str:
    return "" if value is None or isinstance(value, list | dict) else str(value).strip()
