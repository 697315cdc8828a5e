"""The scored predictions of a finished run, one file for each generator."""

from __future__ import annotations

import json
from pathlib import Path

from eval.metrics.prediction import Prediction
from rag.core.errors import EvaluationError
from rag.core.jsonl import read_lines

SCORED = ".scored.jsonl"


def read_scored(place: Path) -> dict[str, list[Prediction]]:
    """Read the scored predictions of a finished run's folder, or of one NAME.scored.jsonl file, by generator.

    Raises EvaluationError where there are none.
    """
    files = _scored_files(place) if place.is_dir() else [place] if place.is_file() else []
    if not files:
        raise EvaluationError(f"{place} is no finished run: a folder with *{SCORED}, or one such file, is expected")
    rows = {file.name.removesuffix(SCORED): read_lines(file) for file in files}
    if any("measures" not in row and not row.get("error") for lines in rows.values() for row in lines):
        raise EvaluationError(
            f"{place} holds predictions without measures: python -m eval score {place} writes what can be compared"
        )
    return rows


def _scored_files(folder: Path) -> list[Path]:
    """Return the run's files, the baseline's first."""
    try:
        names = json.loads((folder / "run.json").read_text(encoding="utf-8"))["generators"]
    except (OSError, KeyError):  # no run, or one that asked nobody, such as a training stage
        return sorted(folder.glob(f"*{SCORED}"))
    return [folder / f"{name}{SCORED}" for name in names]
