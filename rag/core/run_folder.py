"""TODO docstring of rag.core.run_folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.core.errors import TrainingError
from rag.core.jsonl import write_lines

RUNS = Path("var/runs")


@dataclass(frozen=True)
class Stage:
    """One stage's folder in a run: var/runs/<run>/<name>/. Its run.json is written last, so its presence means finished."""

    run: str
    name: str

    @property
    def folder(self) -> Path:
        return RUNS / self.run / self.name

    @property
    def finished(self) -> bool:
        return (self.folder / "run.json").exists()

    def receipt(self) -> dict[str, Any]:
        """-> run.json. Raises TrainingError when the stage has not finished."""
        if not self.finished:
            raise TrainingError(f"{self.folder} is not finished: python -m finetune {self.name} --run {self.run}")
        return json.loads((self.folder / "run.json").read_text(encoding="utf-8"))

    def finish(self, receipt: dict[str, Any]) -> None:
        write_lines(self.folder / "run.json", [receipt])

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
