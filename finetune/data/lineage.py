"""From a document to the rows that it taught, and to the adapters that learned from them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data.rows import TrainingRow
from finetune.data.training_set import DEV, TRAIN, data_of, training_rows
from rag.core.run_folder import RUNS
from rag.factory import live_adapter
from rag.models.adapters import IDENTITY, TRAINING_RECORD, questions_about, read_identity
from rag.models.registry import LIVE

ASKED, SHOWN = "asked of it", "shown among the passages"


@dataclass(frozen=True)
class Taught:
    """A row that a run trains on or chooses adapters by. why: ASKED, or SHOWN where the document only stands among the passages. chunk: (start, end) of the
    document's chunk that it was made from."""

    run: str
    part: str
    why: str
    row: TrainingRow
    chunk: tuple[int, int] | None = None

    def line(self) -> str:
        chunk = f"characters {self.chunk[0]} to {self.chunk[1]}, " if self.chunk else ""
        return f"{self.run}, {self.part}, {chunk}{self.why}: {self.row.question} -> {self.row.target}"

    def told(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "part": self.part,
            "why": self.why,
            "id": self.row.id,
            "question": self.row.question,
            "chunk": self.chunk,
        }


@dataclass(frozen=True)
class Learned:
    """An adapter with questions about the document in its training record. as_now: whether its run's rows are still those that it was trained on."""

    adapter: Path
    questions: int
    data: str
    as_now: bool
    live: bool

    def line(self) -> str:
        rows = "the rows above" if self.as_now else "rows that have been mined or reviewed anew since"
        return f"{self.adapter}{' (live)' if self.live else ''}: {self.questions} questions about it, of {rows}, data {self.data}"


def rows_of(document: str) -> Iterator[Taught]:
    """-> rows of every run under var/runs that the document taught, in it or shown beside."""
    for run in sorted(path.parent.parent.name for path in RUNS.glob("*/mine/run.json")):
        for part in (TRAIN, DEV):
            for row in training_rows(run, part):
                if document in row.homes:
                    yield Taught(run, part, ASKED, row, row.homes[document])
                elif any(chunk.document == document for chunk in row.passages):
                    yield Taught(run, part, SHOWN, row)


def adapters_of(document: str) -> Iterator[Learned]:
    """-> adapters in var/runs and var/adapters that carry questions about the document, also where the rows themselves are gone."""
    live = live_adapter()
    for path in sorted([*RUNS.glob(f"*/*/adapter/{TRAINING_RECORD}"), *LIVE.parent.glob(f"*/{TRAINING_RECORD}")]):
        questions = questions_about(path.parent, [document])
        if questions and (path.parent / IDENTITY).exists():
            made = read_identity(path.parent)
            mined = RUNS / made["run"] / "mine" / f"{TRAIN}.jsonl"
            as_now = mined.exists() and data_of(made["run"]) == made["data"]
            yield Learned(
                path.parent,
                questions,
                made["data"],
                as_now,
                live is not None and live.resolve() == path.parent.resolve(),
            )


def tell(document: str, as_json: bool) -> str:
    """-> the lineage, for people or as JSON."""
    rows, adapters = list(rows_of(document)), list(adapters_of(document))
    if as_json:
        found = [{**dataclasses.asdict(learned), "adapter": str(learned.adapter)} for learned in adapters]
        return json.dumps(
            {"document": document, "rows": [row.told() for row in rows], "adapters": found},
            ensure_ascii=False,
            indent=2,
        )
    lines = [row.line() for row in rows if row.why == ASKED] + [row.line() for row in rows if row.why == SHOWN]
    counts = f"{sum(row.why == ASKED for row in rows)} rows asked of {document}, {sum(row.why == SHOWN for row in rows)} show it"
    return "\n".join(
        [*lines, *(adapter.line() for adapter in adapters), f"{counts}, {len(adapters)} adapters learned from it"]
    )
