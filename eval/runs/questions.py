"""Evaluation questions: a folder or file in the bench shape, each question with the evidence that answers it."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.core.errors import EvaluationError


@dataclass(frozen=True)
class Evidence:
    """Characters start to end of a document's text."""

    document: str
    start: int
    end: int


@dataclass(frozen=True)
class Question:
    """One question. answers: the acceptable ones, none when the documents do not answer it. kind: its group in the tables."""

    id: str
    question: str
    answers: tuple[str, ...]
    document: str
    evidence: tuple[Evidence, ...]
    kind: str

    @property
    def answerable(self) -> bool:
        return bool(self.answers)


def question_fields(question: Question) -> dict[str, Any]:
    """-> the question's part of a line of predictions, as JSON gives it back."""
    evidence = [asdict(piece) for piece in question.evidence]
    return {
        **asdict(question),
        "answers": list(question.answers),
        "evidence": evidence,
        "answerable": question.answerable,
    }


def read_questions(path: Path, sample: int = 0, seed: int = 0) -> list[Question]:
    """-> the questions of a bench's JSON lines file, all of them or a random sample, in the file's order.

    Raises EvaluationError when the file is missing or a line is not in the bench shape, naming the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split(
            "\n"
        )  # not splitlines, which also parts lines at U+2028 and U+0085
    except OSError as error:
        raise EvaluationError(f"{path} can't be read: {error}") from error
    questions = [_question(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not questions:
        raise EvaluationError(f"{path} holds no questions")
    if len({q.id for q in questions}) < len(questions):
        twice = Counter(q.id for q in questions).most_common(1)[0][0]
        raise EvaluationError(f"{path} holds the id {twice!r} twice")
    if sample and sample < len(questions):
        chosen = sorted(random.Random(seed).sample(range(len(questions)), sample))
        return [questions[i] for i in chosen]
    return questions


def _question(line: str, where: str) -> Question:
    try:
        return parse_question(json.loads(line), where)
    except ValueError as error:
        raise EvaluationError(f"{where} is not JSON ({error})") from error


def parse_question(row: dict[str, Any], where: str) -> Question:
    """-> the question that a bench's line describes. Raises EvaluationError when something is missing or of a wrong type."""
    try:
        answers = tuple(row["answers"])
        if not isinstance(row["answers"], list) or not all(isinstance(answer, str) for answer in answers):
            raise TypeError("answers is a list of strings")
        spans = [
            (e["document"], e["start"], e["end"] if "end" in e else e["start"] + len(e["text"]))
            for e in row.get("evidence", ())
        ]
        if answers and not spans and row["start"] >= 0:
            spans = [(row["document"], row["start"], row["start"] + len(answers[0]))]
        evidence = tuple(Evidence(*span) for span in spans)
        kind = row.get("kind") or ("answerable" if answers else "unanswerable")
        return Question(str(row["id"]), row["question"], answers, row["document"], evidence, kind)
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{where} is not a question in the bench shape ({type(error).__name__}: {error})"
        ) from error
