"""The rows that training has made of feedback, which go when a document that they show does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import RUNS, people_lock

_ROW_FILES = ("feedback/pairs.jsonl", "review/verdicts.jsonl", "feedback/train.jsonl")


def forget_rows(documents: Iterable[str]) -> None:
    """Remove the rows made of feedback that show a passage of these documents, from all runs, and their verdicts.

    They are lines of RUN/feedback/train.jsonl and pairs.jsonl and of RUN/review/verdicts.jsonl, with ids that end with
    "#feedback" after the document, the place and the question.
    """
    names = set(documents)
    runs = {file.parents[1] for name in _ROW_FILES for file in RUNS.glob(f"*/{name}")}
    for run in runs if names else ():
        with people_lock(run):
            _forget_rows_of(run, names)


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
