"""Evaluation questions: a folder or file in the bench shape, each question with the evidence that answers it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from rag.errors import RagtuneError


class EvaluationError(RagtuneError):
    """Questions, runs or adapters that can't be evaluated together."""


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


def read_questions(path: Path, sample: int = 0, seed: int = 0) -> list[Question]:
    """-> the questions of a bench's JSON lines file, all of them or a random sample, in the file's order.

    Raises EvaluationError when the file is missing or a line is not in the bench shape, naming the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines, which also parts lines at U+2028 and U+0085
    except OSError as error:
        raise EvaluationError(f"{path} can't be read: {error}") from error
    questions = [_question(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not questions:
        raise EvaluationError(f"{path} holds no questions")
    if sample and sample < len(questions):
        chosen = sorted(random.Random(seed).sample(range(len(questions)), sample))
        return [questions[i] for i in chosen]
    return questions


def _question(line: str, where: str) -> Question:
    try:
        row = json.loads(line)
        answers = tuple(row["answers"])
        spans = [(e["document"], e["start"], e["start"] + len(e["text"])) for e in row.get("evidence", ())]
        if answers and not spans:
            spans = [(row["document"], row["start"], row["start"] + len(answers[0]))]
        evidence = tuple(Evidence(*span) for span in spans)
        kind = row.get("kind") or ("answerable" if answers else "unanswerable")
        return Question(str(row["id"]), row["question"], answers, row["document"], evidence, kind)
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{where} is not a question in the bench shape ({type(error).__name__}: {error})") from error
