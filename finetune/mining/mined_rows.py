"""What mining has made so far: rows by part, rejected questions with their reasons, and counts for the run's result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from finetune.data.rows import TrainingRow
from finetune.data.split import PARTS, Split
from finetune.mining.filters import query_terms
from rag.core.chunk import Chunk


@dataclass(frozen=True)
class MinedRow:
    """A row with its part, and its question in full, before it was turned into another query style."""

    row: TrainingRow
    part: str
    question: str


@dataclass(frozen=True)
class Reject:
    """A question that became no row. text: the sentence or the question that it was made from."""

    question: str
    answer: str
    text: str
    document: str
    reason: str


class MinedRows:
    """Collects rows and rejects. known: `query_terms` of all questions kept so far, which must not be asked again."""

    def __init__(self, split: Split):
        self.split = split
        self.rows: list[MinedRow] = []
        self.rejects: list[Reject] = []
        self.known: list[frozenset[str]] = []
        self.styles: Counter[str] = Counter()
        self.cloze = 0  # rows with a cloze question

    def part_of(self, chunk: Chunk) -> str:
        """Return the part of questions on this passage."""
        return self.split.part_of(chunk.document, chunk.start)

    def add(self, row: TrainingRow, part: str, question: str, style: str) -> None:
        """Keep a row. question: in full; style: the query style of the row's own question."""
        self.rows.append(MinedRow(row, part, question))
        self.known.append(query_terms(question))
        self.styles[style] += 1

    def of_part(self, part: str) -> list[TrainingRow]:
        """Return the rows of a part, in the order they were added."""
        return [mined.row for mined in self.rows if mined.part == part]

    def reasons(self, start: int = 0) -> dict[str, int]:
        """Return how often each reason came up, most common first. start: number of rejects to pass over."""
        return dict(Counter(reject.reason for reject in self.rejects[start:]).most_common())

    def counts(self) -> dict[str, Any]:
        """Return what was kept, for the run's result."""
        kept = {part: dict(Counter(row.kind for row in self.of_part(part))) for part in PARTS}
        return {"kept": kept, "query styles": dict(self.styles), "cloze": self.cloze, "held_out": self.split.held_out}
