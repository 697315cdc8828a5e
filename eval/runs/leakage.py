"""Evaluation questions that the adapter was trained on: found, and refused unless the user says otherwise."""

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
from rag.core.words import STOPWORDS, search_terms
from rag.models.adapters import TRAINING_RECORD

ASKING = frozenset("how many much what when where which who whom whose why".split())
NEAR = 0.8  # share of words in common from which two questions are near-duplicates


@dataclass(frozen=True)
class Leak:
    """An evaluation question, the training question that it equals or nearly equals, and their resemblance."""

    id: str
    question: str
    trained: str
    row: str
    resemblance: float

    def __str__(self) -> str:
        return f"{self.id} {self.question!r}, trained on {self.trained!r} (row {self.row}; resemblance {self.resemblance:.2f})"


def read_training_record(adapter: Path) -> dict[str, Any]:
    """-> what the adapter was trained on: documents by part, questions. Raises EvaluationError when the adapter carries no record."""
    try:
        return json.loads((adapter / TRAINING_RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"{adapter} has no readable record of its training ({error}): train it again, or --leaks keep"
        ) from error


def find_leaks(questions: list[Question], trained: Iterable[dict[str, str]]) -> list[Leak]:
    """-> for each question that has one, its nearest training question of a resemblance of NEAR or more: the Jaccard index of their words (Broder,
    Compression and Complexity of Sequences, 1997), without those that carry no meaning, but with what they ask for (when, where, who): "what does
    it cost" is "what is the cost of it". Numbers must agree: the 2024 fee is another question than the 2025 one."""
    rows = [(row, _words(row["question"])) for row in trained]
    having: dict[str, list[int]] = defaultdict(list)
    for n, (_, said) in enumerate(rows):
        for word in said:
            having[word].append(n)
    found = []
    for question in questions:
        asked = _words(question.question)
        near = [
            (len(asked & rows[n][1]) / len(asked | rows[n][1]), -n)
            for n in _candidates(asked, having)
            if _numbers(asked) == _numbers(rows[n][1])
        ]
        best = max(near, default=(0.0, 0))
        if best[0] >= NEAR:
            row = rows[-best[1]][0]
            found.append(Leak(question.id, question.question, row["question"], row["id"], round(best[0], 3)))
    return found


def _candidates(asked: frozenset[str], having: dict[str, list[int]]) -> set[int]:
    """-> the rows that may resemble: those with one of the rarest words, of which a resembling row can't lack all (prefix filtering, Chaudhuri et
    al., ICDE 2006)."""
    rarest = sorted(asked, key=lambda word: (len(having.get(word, ())), word))
    return {n for word in rarest[: len(asked) - math.ceil(NEAR * len(asked)) + 1] for n in having.get(word, ())}


def _words(text: str) -> frozenset[str]:
    return frozenset(search_terms(text)) - (STOPWORDS - ASKING)


def _numbers(search_terms: frozenset[str]) -> set[str]:
    return {word for word in search_terms if any(ch.isdigit() for ch in word)}


def without_leaks(questions: list[Question], adapters: dict[str, Path], mode: str) -> tuple[list[Question], list[str]]:
    """-> the questions to ask, and what the report must say first. mode "stop" raises EvaluationError on a leak, with the rows; "drop" leaves
    the leaked questions out; "keep" asks them all the same."""
    leaks: dict[str, tuple[str, Leak]] = {}
    notes = []
    for name, adapter in adapters.items():
        try:
            leaks.update(
                {leak.id: (name, leak) for leak in find_leaks(questions, read_training_record(adapter)["questions"])}
            )
        except EvaluationError as error:
            if mode != "keep":
                raise
            notes.append(f"LEAKS NOT CHECKED: {error}")
    if not leaks:
        return questions, notes
    said = f"{len(leaks)} of {len(questions)} questions stand in the adapter's training record"
    if mode == "stop":
        listed = "\n".join(f"  {name}: {leak}" for name, leak in leaks.values())
        raise EvaluationError(
            f"{said}:\n{listed}\nleave them out with --leaks drop, or ask them all the same with --leaks keep"
        )
    if mode == "drop":
        return [q for q in questions if q.id not in leaks], [f"{said} and were left out: {', '.join(leaks)}"]
    return questions, [f"LEAKED: {said} and were asked all the same: {', '.join(leaks)}", *notes]


def document_parts(documents: list[str], adapter: Path | None) -> dict[str, str]:
    """-> document id: "mined" if the adapter learned from it or was chosen by it, "unmined" if it was there but left alone, "incoming" if it was not there."""
    if adapter is None:
        return {}
    try:
        parts = read_training_record(adapter)["documents"]
    except EvaluationError:
        return dict.fromkeys(documents, "mining record lost")
    mined, unmined = {*parts["train"], *parts["dev"]}, set(parts["unmined"])
    return {d: "mined" if d in mined else "unmined" if d in unmined else "incoming" for d in documents}
