"""From a document to the rows that were made from it or show it, and to the adapters trained on them."""

from __future__ import annotations

import contextlib
import difflib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data.rows import TrainingRow
from finetune.data.split import TRAIN
from finetune.data.training_set import data_digest, reviewed_rows
from rag.core.errors import StoreError, TrainingError
from rag.core.run_folder import RUNS
from rag.factory import live_adapter
from rag.index.store import DocumentStore
from rag.models.adapters import IDENTITY, TRAINING_RECORD, questions_about, read_identity
from rag.models.registry import INDEX, kept_weights

MADE_FROM, SHOWN = "asked of it", "shown among the passages"


@dataclass(frozen=True)
class TracedRow:
    """A row of a run that a document has to do with.

    part: what the run uses the row for: training, choosing (dev) or promotion (gate). why: MADE_FROM, or SHOWN where
    the document only stands among the passages. chunk: (start, end) of the document's passage that it was made from.
    """

    run: str
    part: str
    why: str
    row: TrainingRow
    chunk: tuple[int, int] | None = None

    def as_text(self) -> str:
        """Return the row as a line for people."""
        chunk = f"characters {self.chunk[0]} to {self.chunk[1]}, " if self.chunk else ""
        return f"{self.run}, {self.part}, {chunk}{self.why}: {self.row.question} | {self.row.target}"

    def as_json(self) -> dict[str, Any]:
        """Return the row without its passages and answer."""
        found = {"run": self.run, "part": self.part, "why": self.why}
        return {**found, "id": self.row.id, "question": self.row.question, "chunk": self.chunk}


@dataclass(frozen=True)
class TracedAdapter:
    """An adapter with questions about the document in its training record.

    questions: how many. data: digest of the rows it was trained on. as_now: whether its run still has those rows.
    """

    adapter: Path
    questions: int
    data: str
    as_now: bool
    live: bool

    def as_text(self) -> str:
        """Return the adapter as a line for people."""
        rows = "the rows above" if self.as_now else "rows that have been mined or reviewed anew since"
        return (
            f"{self.adapter}{' (live)' if self.live else ''}: {self.questions} questions about it, "
            f"of {rows}, data {self.data}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return all fields."""
        return {**vars(self), "adapter": str(self.adapter)}


def trace_rows(document: str) -> Iterator[TracedRow]:
    """Yield the rows of every run under var/runs that were made from the document or show it."""
    for run in sorted(path.parent.parent.name for path in RUNS.glob("*/mine/run.json")):
        for part, row in reviewed_rows(run):
            if document in row.gold_passages:
                yield TracedRow(run, part, MADE_FROM, row, row.gold_passages[document])
            elif any(chunk.document == document for chunk in row.passages):
                yield TracedRow(run, part, SHOWN, row)


def trace_adapters(document: str, index: Path = INDEX) -> Iterator[TracedAdapter]:
    """Yield the adapters in var/runs and in the index whose training record has questions about the document.

    They are found also where the rows themselves are gone.
    """
    live = live_adapter(index)
    for adapter in sorted([*RUNS.glob("*/*/adapter"), *kept_weights(index)]):
        questions = questions_about(adapter, [document])
        if questions and (adapter / IDENTITY).exists():
            identity = read_identity(adapter)
            mined = RUNS / identity["run"] / "mine" / f"{TRAIN}.jsonl"
            as_now = mined.exists() and data_digest(identity["run"]) == identity["data"]
            is_live = live is not None and live.resolve() == adapter.resolve()
            yield TracedAdapter(adapter, questions, identity["data"], as_now, is_live)


def _require_known(document: str, index: Path) -> None:
    """Raise TrainingError, naming the nearest document, where nothing knows one of this name."""
    known = _known_documents(index)
    if document not in known:
        near = difflib.get_close_matches(document, sorted(known), 1, 0)
        nearest = f"; the nearest is {near[0]!r}" if near else ""
        option = "" if index == INDEX else f" --index {shlex.quote(str(index))}"
        raise TrainingError(f"no document is called {document!r}{nearest}: rag{option} documents lists all")


def _known_documents(index: Path) -> set[str]:
    """Return the documents of the index, of every run's mining and rows, and of the adapters' training records."""
    known: set[str] = set()
    with contextlib.suppress(StoreError):  # documents outlive their index in runs and adapters
        known |= DocumentStore(index, {}).documents().keys()
    for result in RUNS.glob("*/mine/run.json"):
        run = result.parents[1].name
        known |= _documents_of_parts(result)
        known |= {chunk.document for _, row in reviewed_rows(run) for chunk in row.passages}
    for adapter in [*RUNS.glob("*/*/adapter"), *kept_weights(index)]:
        known |= _documents_of_parts(adapter / TRAINING_RECORD)
    return known


def _documents_of_parts(file: Path) -> set[str]:
    try:
        parts = json.loads(file.read_text(encoding="utf-8"))["documents"].values()
    except (OSError, ValueError, KeyError, AttributeError):  # older runs and adapters do not list their documents
        return set()
    return {document for part in parts for document in part}


def lineage_report(document: str, as_json: bool, index: Path = INDEX) -> str:
    """Return the document's rows and adapters, as lines for people or as JSON.

    index: the one whose promoted adapters are looked at, beside those of all runs. Raises TrainingError for a name that
    neither the index nor a run nor an adapter knows.
    """
    rows, adapters = list(trace_rows(document)), list(trace_adapters(document, index))
    if not rows and not adapters:
        _require_known(document, index)
    if as_json:
        found = {"rows": [row.as_json() for row in rows], "adapters": [adapter.as_json() for adapter in adapters]}
        return json.dumps({"document": document, **found}, ensure_ascii=False, indent=2)
    made, shown = ([row for row in rows if row.why == why] for why in (MADE_FROM, SHOWN))
    summary = f"{len(made)} rows asked of {document}, {len(shown)} show it, {len(adapters)} adapters learned from it"
    lines = [*(row.as_text() for row in [*made, *shown]), *(adapter.as_text() for adapter in adapters)]
    return "\n".join([*lines, summary])
