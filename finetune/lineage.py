"""What a document taught: the rows that ask about it, and the adapters that learned from them."""

from __future__ import annotations

import difflib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data import RUNS, TrainingError, digest, read_lines
from rag.adapters import IDENTITY, RECORD
from rag.pipeline import LIVE, live_adapter

PARTS = ("train.jsonl", "dev.jsonl")


@dataclass(frozen=True)
class TaughtRow:
    """A row about the document. files: where in the run it stands, in this form. span: characters of the document that it was made from, (0, 0) where the
    document does not answer."""

    run: str
    id: str
    question: str
    kind: str
    span: tuple[int, int]
    files: tuple[str, ...]


@dataclass(frozen=True)
class TaughtAdapter:
    """An adapter that learned from the document or was chosen by it. rows: about the document. of: all rows that it learned from. shown: rows about other
    documents beside whose questions a passage of it stood; None where the rows that it learned from are not kept any more."""

    folder: Path
    live: bool
    rows: int
    of: int
    shown: int | None


def taught_rows(document: str) -> list[TaughtRow]:
    """-> the rows about the document in all runs, by run and place."""
    found: dict[tuple, list[str]] = {}
    for path in _row_files():
        for row in _rows(path):
            if row["document"] == document:
                run, *place = path.relative_to(RUNS).parts
                files = found.setdefault((run, tuple(row["gold"]), row["id"], row["question"], row["kind"]), [])
                files += [name] if (name := "/".join(place).removesuffix(".jsonl")) not in files else []
    return [TaughtRow(run, id, question, kind, span, tuple(files)) for (run, span, id, question, kind), files in sorted(found.items())]


def taught_adapters(document: str) -> list[TaughtAdapter]:
    """-> the adapters that carry a record of their training and whose rows were about the document, or showed it."""
    kept = {digest(path): path for path in _row_files() if path.name == PARTS[0]}
    live, found = live_adapter(), []
    for record in sorted([*RUNS.rglob(RECORD), *LIVE.parent.glob(f"*/{RECORD}")]):
        folder, questions = record.parent, _json(record)["questions"]
        about = [question for question in questions if _about(question, document)]
        shown = _showing(kept.get(_json(folder / IDENTITY)["data"]), document)
        if about or shown:
            found.append(TaughtAdapter(folder, folder == live, len(about), len(questions), shown))
    return found


def _about(question: dict[str, str], document: str) -> bool:
    """Records of before name the document in the row's id alone."""
    return question["document"] == document if "document" in question else question["id"].startswith(f"{document}:")


def _showing(rows: Path | None, document: str) -> int | None:
    """-> of how many rows about other documents it is a passage."""
    if rows is None:
        return None
    return len({r["id"] for r in _rows(rows) if r["document"] != document and any(p["document"] == document for p in r["passages"])})


def _row_files() -> list[Path]:
    return sorted(path for name in PARTS for path in RUNS.rglob(name))


def _rows(path: Path) -> list[dict[str, Any]]:
    """-> the rows of a file of rows or of preference pairs."""
    return [line.get("row", line) for line in read_lines(path)]


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} can't be read ({error}): delete the adapter's folder, or train it again") from error


def nearest(document: str) -> str | None:
    """-> the most similar name among documents that taught something."""
    known = {row["document"] for path in _row_files() for row in _rows(path)}
    return next(iter(difflib.get_close_matches(document, known, 1, 0.4)), None)


def told(document: str) -> str:
    """-> all of it, for people, with what makes it forgotten."""
    rows, adapters = taught_rows(document), taught_adapters(document)
    if not rows and not adapters:
        near = nearest(document)
        return f"{document} taught nothing that is kept here" + (f"; the nearest name that did is {near}" if near else "")
    lines, run = [], None
    for row in rows:
        lines += [f"run {row.run}"] if row.run != run else []
        run = row.run
        lines.append(f"  {row.span[0]}-{row.span[1]}  {row.question}  ({row.kind}; {', '.join(row.files)})")
    for adapter in adapters:
        beside = "rows not kept: what else showed it is not known" if adapter.shown is None else f"{adapter.shown} others showed it"
        lines.append(f"adapter {adapter.folder}{' (live)' if adapter.live else ''}: {adapter.rows} of {adapter.of} questions; {beside}")
    runs = sorted({row.run for row in rows})
    again = "".join(f"; python -m finetune train --run {run}" for run in runs)
    return "\n".join([*lines, f"{len(rows)} rows, {len(adapters)} adapters; to have it forgotten: rag remove {shlex.quote(document)}{again}"])
