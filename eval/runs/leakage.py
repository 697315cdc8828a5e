"""Evaluation questions that an adapter was trained on: found, and refused unless the user says otherwise."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.runs.questions import Question
from rag.core.errors import EvaluationError
from rag.core.near_duplicates import NEAR_DUPLICATE, question_resemblance
from rag.core.words import QUESTION_WORDS, STOPWORDS, search_terms
from rag.models.adapters import TRAINING_RECORD

Words = frozenset[str]


@dataclass(frozen=True)
class Leak:
    """An evaluation question and the training question that it equals or nearly equals.

    row: the training question's id. resemblance: NEAR_DUPLICATE to 1.
    """

    id: str
    question: str
    trained: str
    row: str
    resemblance: float

    def __str__(self) -> str:
        near = f"row {self.row}; resemblance {self.resemblance:.2f}"
        return f"{self.id} {self.question!r}, trained on {self.trained!r} ({near})"


def read_training_record(adapter: Path) -> dict[str, Any]:
    """Read what the adapter was trained on: documents by part, and questions.

    Raises EvaluationError where the adapter has no readable record.
    """
    try:
        return json.loads((adapter / TRAINING_RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        remedy = "train it again, or --leaks keep"
        raise EvaluationError(f"{adapter} has no readable record of its training ({error}): {remedy}") from error


def find_leaks(questions: list[Question], trained: Iterable[dict[str, str]]) -> list[Leak]:
    """Return for each question that has one its nearest training question, if that is a near-duplicate.

    trained: objects with id and question. The words count without stop words, but with question words.
    """
    rows = [(row, _words(row["question"])) for row in trained]
    rows_with: dict[str, list[int]] = defaultdict(list)
    for n, (_, words) in enumerate(rows):
        for word in words:
            rows_with[word].append(n)
    leaks = []
    for question in questions:
        words = _words(question.question)
        candidates = _candidates(words, rows_with)
        near = ((question_resemblance(words, rows[n][1]), -n) for n in candidates)
        resemblance, first = max(near, default=(0.0, 0))
        if resemblance >= NEAR_DUPLICATE:
            row = rows[-first][0]
            leaks.append(Leak(question.id, question.question, row["question"], row["id"], round(resemblance, 3)))
    return leaks


def _candidates(words: Words, rows_with: dict[str, list[int]]) -> set[int]:
    """The rows with one of the rarest words: a near-duplicate can't lack all of them.

    This is prefix filtering (Chaudhuri et al., ICDE 2006).
    """
    rarest = sorted(words, key=lambda word: (len(rows_with.get(word, ())), word))
    needed = len(words) - math.ceil(NEAR_DUPLICATE * len(words)) + 1
    return {n for word in rarest[:needed] for n in rows_with.get(word, ())}


def _words(text: str) -> Words:
    return frozenset(search_terms(text)) - (STOPWORDS - QUESTION_WORDS)


def without_leaks(questions: list[Question], adapters: dict[str, Path], mode: str) -> tuple[list[Question], list[str]]:
    """Return the questions to ask, and what the report must say first.

    mode: "stop" raises EvaluationError where a question was trained on; "drop" leaves such questions out; "keep" asks
    them all the same. Raises EvaluationError where an adapter has no record, unless the mode is "keep".
    """
    leaks: dict[str, tuple[str, Leak]] = {}
    notes = []
    for name, adapter in adapters.items():
        try:
            trained = read_training_record(adapter)["questions"]
        except EvaluationError as error:
            if mode != "keep":
                raise
            notes.append(f"LEAKS NOT CHECKED: {error}")
        else:
            leaks.update({leak.id: (name, leak) for leak in find_leaks(questions, trained)})
    if not leaks:
        return questions, notes
    summary = f"{len(leaks)} of {len(questions)} questions are in the adapter's training record"
    if mode == "stop":
        listed = "\n".join(f"  {name}: {leak}" for name, leak in leaks.values())
        remedy = "leave them out with --leaks drop, or ask them all the same with --leaks keep"
        raise EvaluationError(f"{summary}:\n{listed}\n{remedy}")
    if mode == "drop":
        return [q for q in questions if q.id not in leaks], [f"{summary} and were left out: {', '.join(leaks)}"]
    return questions, [f"LEAKED: {summary} and were asked all the same: {', '.join(leaks)}", *notes]


def document_parts(documents: list[str], adapter: Path | None) -> dict[str, str]:
    """Return the part of each document, by its id; {} where there is no adapter.

    "mined": the adapter was trained on it or chosen by it; "unmined": it was indexed and left alone; "incoming": it
    was not there.
    """
    if adapter is None:
        return {}
    try:
        parts = read_training_record(adapter)["documents"]
    except EvaluationError:
        return dict.fromkeys(documents, "mining record lost")
    unmined = set(parts.get("unmined", ()))
    mined = {document for part in parts.values() for document in part} - unmined
    return {d: "mined" if d in mined else "unmined" if d in unmined else "incoming" for d in documents}
