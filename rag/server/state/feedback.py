"""What people say of answers: thumbs and corrections, with the passages that were shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.server.state.folder import StateFile, state_folder

FILE = "feedback.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, answer TEXT NOT NULL UNIQUE, question TEXT NOT NULL,
    model TEXT NOT NULL, text TEXT NOT NULL, refused TEXT NOT NULL, confidence REAL NOT NULL,
    thumb TEXT, correction TEXT, citations TEXT NOT NULL, passages TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shown (
    feedback INTEGER NOT NULL REFERENCES feedback (id), document TEXT NOT NULL, PRIMARY KEY (feedback, document));
"""
_COLUMNS = "time, answer, question, model, text, refused, confidence, thumb, correction, citations, passages"


@dataclass(frozen=True)
class Feedback:
    """One answer and what was said of it.

    time: UTC. answer: the answer's id. thumb: "up", "down" or None. correction: the right answer, None for none.
    citations, passages: as `/ask` gives them.
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


class FeedbackFile:
    """All feedback of an index, in a file of its own."""

    def __init__(self, index: Path):
        """Open the file of the index, and make it if there is none."""
        self._file = StateFile(state_folder(index) / FILE, _SCHEMA)

    def put(self, given: Feedback) -> None:
        """Keep feedback; what was said of the same answer before is replaced."""
        values = [json.dumps(value) if isinstance(value, list | bool) else value for value in vars(given).values()]
        with self._file.transaction():
            self._drop("SELECT id FROM feedback WHERE answer = ?", [given.answer])
            marks = ", ".join("?" * len(values))
            self._file.rows(f"INSERT INTO feedback ({_COLUMNS}) VALUES ({marks})", values)
            ((id,),) = self._file.rows("SELECT id FROM feedback WHERE answer = ?", [given.answer])
            for document in sorted({passage["document"] for passage in given.passages}):
                self._file.rows("INSERT INTO shown VALUES (?, ?)", [id, document])

    def all(self) -> list[Feedback]:
        """Return all feedback, the oldest first."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM feedback ORDER BY id")
        found = [dict(zip(_COLUMNS.split(", "), row, strict=True)) for row in rows]
        as_json = ("refused", "citations", "passages")
        return [Feedback(**{**each, **{name: json.loads(str(each[name])) for name in as_json}}) for each in found]

    def forget(self, documents: Iterable[str]) -> int:
        """Remove all feedback that shows a passage of these documents, and return how much that was."""
        with self._file.transaction():
            return sum(
                self._drop("SELECT feedback FROM shown WHERE document = ?", [document]) for document in documents
            )

    def _drop(self, select: str, values: list[object]) -> int:
        ids = [row[0] for row in self._file.rows(select, values)]
        for id in ids:
            self._file.rows("DELETE FROM shown WHERE feedback = ?", [id])
            self._file.rows("DELETE FROM feedback WHERE id = ?", [id])
        return len(ids)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def forget_feedback(index: Path, documents: Iterable[str]) -> None:
    """Remove the feedback of an index that shows a passage of these documents, if there is any."""
    if not (state_folder(index) / FILE).exists():
        return
    feedback = FeedbackFile(index)
    try:
        feedback.forget(documents)
    finally:
        feedback.close()


def now() -> str:
    """Return the time in UTC, as feedback and jobs keep it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
