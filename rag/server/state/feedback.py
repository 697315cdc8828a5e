"""What people say of answers: thumbs and corrections, with the passages that were shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rag.index.left_documents import clear_left, left_documents
from rag.server.state.feedback_rows import forget_rows
from rag.server.state.folder import StateFile, state_folder
from rag.server.state.recent import Assigned

FILE = "feedback.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, answer TEXT NOT NULL UNIQUE, question TEXT NOT NULL,
    model TEXT NOT NULL, text TEXT NOT NULL, refused TEXT NOT NULL, confidence REAL NOT NULL,
    thumb TEXT, correction TEXT, citations TEXT NOT NULL, passages TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shown (
    feedback INTEGER NOT NULL REFERENCES feedback (id), document TEXT NOT NULL, PRIMARY KEY (feedback, document));
CREATE TABLE IF NOT EXISTS compared (
    feedback INTEGER PRIMARY KEY REFERENCES feedback (id), split TEXT NOT NULL, arm TEXT NOT NULL,
    conversation TEXT NOT NULL);
"""
_ADDED = {"kind": "TEXT NOT NULL DEFAULT ''", "unanswerable": "TEXT NOT NULL DEFAULT 'false'"}  # to files made before


@dataclass(frozen=True)
class Feedback:
    """An answer, the passages that were shown, and what was said of it.

    time: UTC. answer: the answer's id. thumb: "up", "down" or None. correction: the right answer, None for none.
    citations, passages: as `/ask` gives them. kind: of the answer, "" where it was not kept. unanswerable: the
    documents do not answer the question.
    """

    time: str
    answer: str
    question: str
    model: str
    text: str
    refused: bool
    confidence: float
    thumb: str | None
    correction: str | None
    citations: list[dict[str, Any]]
    passages: list[dict[str, Any]]
    kind: str = ""
    unanswerable: bool = False


_COLUMNS = ", ".join(field.name for field in fields(Feedback))
_AS_JSON = ("refused", "citations", "passages", "unanswerable")


@dataclass(frozen=True)
class Vote:
    """What was said of an answer while two generators were compared. arm, conversation: as in `Assigned`."""

    arm: str
    conversation: str
    up: bool
    refused: bool
    corrected: bool


class FeedbackFile:
    """All feedback of an index, in a file of its own."""

    def __init__(self, index: Path):
        """Open the file of the index, and make it if there is none."""
        self._index, self._file = index, StateFile(state_folder(index) / FILE, _SCHEMA)
        with self._file.transaction():
            there = {row[1] for row in self._file.rows("PRAGMA table_info(feedback)")}
            for name in _ADDED.keys() - there:
                self._file.rows(f"ALTER TABLE feedback ADD COLUMN {name} {_ADDED[name]}")

    def put(self, given: Feedback, assigned: Assigned | None = None) -> None:
        """Keep feedback; what was said of the same answer before is replaced. assigned: as in `GivenAnswer`."""
        values = [json.dumps(value) if isinstance(value, list | bool) else value for value in vars(given).values()]
        with self._file.transaction():
            self._drop("SELECT id FROM feedback WHERE answer = ?", [given.answer])
            marks = ", ".join("?" * len(values))
            self._file.rows(f"INSERT INTO feedback ({_COLUMNS}) VALUES ({marks})", values)
            ((id,),) = self._file.rows("SELECT id FROM feedback WHERE answer = ?", [given.answer])
            for document in sorted({passage["document"] for passage in given.passages}):
                self._file.rows("INSERT INTO shown VALUES (?, ?)", [id, document])
            if assigned:
                self._file.rows("INSERT INTO compared VALUES (?, ?, ?, ?)", [id, *vars(assigned).values()])

    def take_back(self, answer: str) -> None:
        """Remove what was said of an answer, by its id."""
        with self._file.transaction():
            self._drop("SELECT id FROM feedback WHERE answer = ?", [answer])

    def votes(self, split: str) -> list[Vote]:
        """Return what was said of answers of a split, by its id, the oldest first."""
        rows = self._file.rows(
            "SELECT arm, conversation, thumb = 'up', refused = 'true', correction IS NOT NULL "
            "FROM compared JOIN feedback ON feedback.id = compared.feedback WHERE split = ? ORDER BY id",
            [split],
        )
        return [Vote(arm, conversation, *map(bool, said)) for arm, conversation, *said in rows]

    def all(self) -> list[Feedback]:
        """Return all feedback, the oldest first."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM feedback ORDER BY id")
        found = [dict(zip(_COLUMNS.split(", "), row, strict=True)) for row in rows]
        return [Feedback(**{**each, **{name: json.loads(str(each[name])) for name in _AS_JSON}}) for each in found]

    def forget(self, documents: Iterable[str]) -> None:
        """Remove all feedback that shows a passage of these documents, and the rows that training has made of it."""
        documents = list(documents)
        with self._file.transaction():
            for document in documents:
                self._drop("SELECT feedback FROM shown WHERE document = ?", [document])
        self._file.rows("PRAGMA wal_checkpoint(TRUNCATE)")  # or its words would stay in the log
        forget_rows(self._index, documents)

    def _drop(self, select: str, values: list[object]) -> None:
        for (id,) in self._file.rows(select, values):
            self._file.rows("DELETE FROM shown WHERE feedback = ?", [id])
            self._file.rows("DELETE FROM compared WHERE feedback = ?", [id])
            self._file.rows("DELETE FROM feedback WHERE id = ?", [id])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def _opened(index: Path) -> Iterator[FeedbackFile | None]:
    """Open the feedback of an index inside; None where there is none, and no file is made."""
    feedback = FeedbackFile(index) if (state_folder(index) / FILE).exists() else None
    try:
        yield feedback
    finally:
        if feedback:
            feedback.close()


def read_feedback(index: Path) -> list[Feedback]:
    """Return all feedback of an index, the oldest first."""
    with _opened(index) as feedback:
        return feedback.all() if feedback else []


def forget_left(index: Path) -> None:
    """Remove the feedback, and the rows made of it, that show a passage of documents which have left the index.

    Those among them that a process was killed over before it came to this.
    """
    documents = left_documents(index)
    if not documents:
        return
    with _opened(index) as feedback:
        if feedback:
            feedback.forget(documents)
        else:
            forget_rows(index, documents)
    clear_left(index, documents)


def split_votes(index: Path, split: str) -> list[Vote]:
    """Return what was said of answers of a split, as `FeedbackFile.votes` does; none where there is no feedback."""
    with _opened(index) as feedback:
        return feedback.votes(split) if feedback else []


def now() -> str:
    """Return the time in UTC, as feedback and jobs keep it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
