"""The rows that training has made of feedback, which go when a document that they show does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import RUNS, people_lock
from rag.index.store import STORE_FILE

INDEXES = "feedback_of.jsonl"  # in a run's folder: the indexes whose feedback it has taken
_ROW_FILES = ("feedback/pairs.jsonl", "review/verdicts.jsonl", "feedback/train.jsonl")


def note_index(run: Path, index: Path) -> None:
    """Note that rows of a run are made of an index's feedback. run: its folder, under its `people_lock`."""
    known, path = _indexes_of(run) or [], str(index.resolve())
    if path not in known:
        write_lines(run / INDEXES, [{"index": each} for each in (*known, path)])


def forget_rows(index: Path, documents: Iterable[str]) -> None:
    """Remove the rows made of an index's feedback that show a passage of these documents, and their verdicts.

    They are lines of RUN/feedback/train.jsonl and pairs.jsonl and of RUN/review/verdicts.jsonl, with ids that end with
    "#feedback" after the document, the place and the question. A document of the same name in another index keeps its
    own, unless a run has taken feedback of both.
    """
    names = set(documents)
    runs = {file.parents[1] for name in _ROW_FILES for file in RUNS.glob(f"*/{name}")}
    for run in sorted(runs) if names else ():
        with people_lock(run):
            if _may_be_of(run, index):
                _forget_rows_of(run, names)


def _may_be_of(run: Path, index: Path) -> bool:
    """Tell whether a run may have rows of this index: also one that did not note it, or whose index was moved since."""
    noted = _indexes_of(run)
    return noted is None or any(path == str(index.resolve()) or not _is_index(Path(path)) for path in noted)


def _indexes_of(run: Path) -> list[str] | None:
    path = run / INDEXES
    return [str(line["index"]) for line in read_lines(path)] if path.exists() else None


def _is_index(folder: Path) -> bool:
    return (folder / STORE_FILE).exists()


def _forget_rows_of(run: Path, names: set[str]) -> None:
    # The rows last: they say which lines of the other files go, also where this was stopped between two files.
    files = {run / name: read_lines(run / name) for name in _ROW_FILES if (run / name).exists()}
    rows = files.get(run / _ROW_FILES[-1], [])
    gone = {row["id"] for row in rows if _shows(row, names)}
    for file, lines in files.items():
        kept = [line for line in lines if not _is_about(line, gone, names)]
        if len(kept) < len(lines):
            write_lines(file, kept)


def _is_about(line: dict[str, Any], gone: set[str], names: set[str]) -> bool:
    """Tell whether a line is, or is about, a row of feedback that goes; a verdict may be on one made before."""
    row = line.get("row", line)
    id: str = line.get("id") or row["id"]
    return id.endswith("#feedback") and (
        id in gone or id.startswith(tuple(f"{name}:" for name in names)) or _shows(row, names)
    )


def _shows(row: dict[str, Any], names: set[str]) -> bool:
    return any(shown["document"] in names for shown in row.get("passages", ()))
