"""Training rows and preference pairs, as JSON lines in var/runs/<run>/<stage>/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.core.chunk import Chunk
from rag.core.jsonl import read_lines
from rag.generation import prompt

# Kinds of rows. Those of the first line are answered by the passages shown, the others are refused.
ANSWERABLE, MULTIHOP = "answerable", "multi-hop"
LEFT_OUT, NOT_RETRIEVED = "left out", "not retrieved"  # the passage that answers was taken out, or was not found
SWAPPED, UNANSWERABLE = "swapped", "unanswerable"  # nothing answers: after a swap, or in people's questions
MENDED = "mended"  # a reviewer found that the passages do not answer it
RENAMED_KINDS = {"joined": MULTIHOP}  # in rows mined before


@dataclass(frozen=True)
class TrainingRow:
    """A question, the passages that the retriever gave for it, and the answer that they support.

    answer: the span that the question was made for, also where the label is the refusal. kind: ANSWERABLE, or why the
    label is the refusal. document, gold: the passage that the question was made from, gold as (start, end) characters
    of the document. passages: the context, as the serving retriever gave it. cited: number, from 1, of the passage that
    holds the answer; 0 where the label is the refusal. also: numbers of the other passages that the answer needs.
    """

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
    def gold_passages(self) -> dict[str, tuple[int, int]]:
        """The (start, end) of each passage that the question was made from, by document."""
        others = (self.passages[number - 1] for number in self.also)
        return {**{chunk.document: (chunk.start, chunk.end) for chunk in others}, self.document: self.gold}

    @property
    def gold_has_answer(self) -> bool:
        """Whether the passage that the question was made from answers it, shown or not.

        It does not where the question was changed so that nothing answers it.
        """
        return bool(self.cited) or self.kind in (LEFT_OUT, NOT_RETRIEVED)

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


def row_from_json(data: dict[str, Any]) -> TrainingRow:
    """Return the row that was written as JSON."""
    passages = tuple(Chunk.from_dict(passage) for passage in data["passages"])
    also = tuple(data.get("also", ()))
    kind = RENAMED_KINDS.get(data["kind"], data["kind"])
    return TrainingRow(**{**data, "kind": kind, "gold": tuple(data["gold"]), "also": also, "passages": passages})


def read_rows(path: Path) -> list[TrainingRow]:
    """Read a file of training rows."""
    return [row_from_json(line) for line in read_lines(path)]


def read_pairs(path: Path) -> list[PreferencePair]:
    """Read a file of preference pairs."""
    return [PreferencePair(**{**line, "row": row_from_json(line["row"])}) for line in read_lines(path)]
