"""Evaluation questions in the bench format, each with the evidence that answers it."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.core.errors import EvaluationError

BENCH_KEYS = {"id", "question", "answers", "document"}  # beside start or evidence


@dataclass(frozen=True)
class Evidence:
    """The characters from start to end of a document's text."""

    document: str
    start: int
    end: int


@dataclass(frozen=True)
class Question:
    """One question.

    answers: the acceptable ones, none where the documents do not answer. document: the id of the document that it is
    about. kind: its group in the tables.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    document: str
    evidence: tuple[Evidence, ...]
    kind: str

    @property
    def answerable(self) -> bool:
        """Return whether the documents answer the question."""
        return bool(self.answers)


def question_fields(question: Question) -> dict[str, Any]:
    """Return the question's part of a prediction, as JSON gives it back."""
    return {
        **asdict(question),
        "answers": list(question.answers),
        "evidence": [asdict(piece) for piece in question.evidence],
        "answerable": question.answerable,
    }


def read_questions(path: Path, sample: int = 0, seed: int = 0) -> list[Question]:
    """Read the questions of a bench, or a random sample of that size, in the file's order.

    Raises EvaluationError where the file is missing or a line is not in the bench format; the message names the line.
    """
    questions = [parse_question(row, where) for where, row in _numbered_rows(path)]
    if not questions:
        raise EvaluationError(f"{path} holds no questions")
    if len({q.id for q in questions}) < len(questions):
        twice = Counter(q.id for q in questions).most_common(1)[0][0]
        raise EvaluationError(f"{path} holds the id {twice!r} twice")
    return sample_of(questions, sample, seed)


def sample_of(questions: list[Question], sample: int, seed: int) -> list[Question]:
    """Return a random sample of that size, in the same order; all questions where `sample` is 0."""
    if not sample or sample >= len(questions):
        return questions
    chosen = sorted(random.Random(seed).sample(range(len(questions)), sample))
    return [questions[i] for i in chosen]


def is_bench_format(path: Path) -> bool:
    """Return whether the first line of a file is a question in the bench format, as far as its keys tell."""
    try:
        with path.open(encoding="utf-8") as file:
            first = json.loads(next((line for line in file if line.strip()), ""))
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and first.keys() >= BENCH_KEYS and bool({"start", "evidence"} & first.keys())


def _numbered_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object with where it stands."""
    try:
        # str.splitlines would also split at U+2028 and U+0085
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise EvaluationError(f"{path} can't be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except ValueError as error:
                raise EvaluationError(f"{path}:{number} is not JSON ({error})") from error


def parse_question(row: dict[str, Any], where: str) -> Question:
    """Return the question that a line of a bench describes.

    Its evidence is listed, or starts at "start" of the document with the first answer's length. Raises
    EvaluationError where something is missing or has a wrong type.
    """
    try:
        answers = tuple(row["answers"])
        if not isinstance(row["answers"], list) or not all(isinstance(answer, str) for answer in answers):
            raise TypeError("answers is a list of strings")
        evidence = tuple(_evidence(piece) for piece in row.get("evidence", ()))
        if answers and not evidence and row["start"] >= 0:
            evidence = (Evidence(row["document"], row["start"], row["start"] + len(answers[0])),)
        kind = row.get("kind") or ("answerable" if answers else "unanswerable")
        return Question(str(row["id"]), row["question"], answers, row["document"], evidence, kind)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise EvaluationError(f"{where} is not a question in the bench format ({reason})") from error


def _evidence(piece: dict[str, Any]) -> Evidence:
    start = piece["start"]
    return Evidence(piece["document"], start, piece["end"] if "end" in piece else start + len(piece["text"]))
