"""Triplets (question, retrieved context, answer) and preference pairs, as JSON lines in var/runs/<name>/<stage>/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rag.core.chunk import Chunk
from rag.core.jsonl import read_lines
from rag.generation import prompt

T = TypeVar("T")


@dataclass(frozen=True)
class TrainingRow:
    """A training triplet. kind: "answerable", or why the label is the refusal. gold: (start, end) of the chunk that the question was
    written from, in `document`. passages: the context as the serving retriever gave it. answer: the span asked for, in any case;
    cited: number (from 1) of the passage that holds it, 0 when the label is the refusal. also: of others without which it can't be told."""

    id: str
    question: str
    answer: str
    kind: str
    document: str
    gold: tuple[int, int]
    passages: tuple[Chunk, ...]
    cited: int
    also: tuple[int, ...] = ()

    @property
    def homes(self) -> dict[str, tuple[int, int]]:
        """document: (start, end) of its chunk, of those that the question was made from."""
        others = (self.passages[number - 1] for number in self.also)
        return {**{chunk.document: (chunk.start, chunk.end) for chunk in others}, self.document: self.gold}

    @property
    def told_at_home(self) -> bool:
        """Whether the chunk that the question was written from answers it, shown or not: not where it was twisted or mended to have no answer."""
        return bool(self.cited) or self.kind in ("left out", "not retrieved")

    @property
    def target(self) -> str:
        """What the generator should write."""
        return prompt.answer_text(self.answer, self.cited, *self.also) if self.cited else prompt.REFUSAL


@dataclass(frozen=True)
class PreferencePair:
    """A preference pair for DPO: two outputs for one row, and the check that the rejected one fails."""

    row: TrainingRow
    chosen: str
    rejected: str
    reason: str


def _chunk(data: dict[str, Any]) -> Chunk:
    return Chunk(**{**data, "headings": tuple(data["headings"])})


def row_from_json(data: dict[str, Any]) -> TrainingRow:
    return TrainingRow(
        **{
            **data,
            "gold": tuple(data["gold"]),
            "also": tuple(data.get("also", ())),
            "passages": tuple(map(_chunk, data["passages"])),
        }
    )


def read_rows(path: Path) -> list[TrainingRow]:
    return [row_from_json(line) for line in read_lines(path)]


def read_pairs(path: Path) -> list[PreferencePair]:
    return [PreferencePair(**{**line, "row": row_from_json(line["row"])}) for line in read_lines(path)]
