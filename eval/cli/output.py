"""What every command does with its figures."""

from __future__ import annotations

from pathlib import Path

from eval.metrics.prediction import Figures
from rag.core.jsonl import write_json


def show(path: Path | None, figures: Figures, text: str) -> None:
    """Write the figures to the JSON file, where one is named, and print the text."""
    if path:
        write_json(path, figures)
    print(text)
