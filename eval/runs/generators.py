"""The generators that a command line names."""

from __future__ import annotations

from pathlib import Path

from rag.core.errors import EvaluationError
from rag.core.run_folder import run_folder
from rag.factory import (
    live_adapter,
)


def parse_generators(text: str, adapter: Path | None) -> dict[str, Path | None]:
    """-> name: adapter, None for the base model. Raises EvaluationError on a name that is neither base, tuned nor NAME=ADAPTER."""

    found: dict[str, Path | None] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, equals, folder = item.partition("=")
        if (
            not equals
            and name not in ("base", "tuned")
            or not name.replace("-", "").isalnum()
            or equals
            and not Path(folder).is_dir()
        ):
            raise EvaluationError(f"--generators takes base, tuned and NAME=ADAPTER, joined by commas, not {item!r}")
        found[name] = Path(folder) if equals else tuned_adapter(adapter) if name == "tuned" else None
    if not found:
        raise EvaluationError("--generators names nothing: base,tuned")
    return found


def newest_adapter(run: str) -> Path | None:
    """-> the adapter of the run's last finished stage."""
    return next(
        (
            run_folder(run) / stage / "adapter"
            for stage in ("dpo", "sft")
            if (run_folder(run) / stage / "run.json").exists()
        ),
        None,
    )


def tuned_adapter(given: Path | None) -> Path:
    """-> the adapter to measure: the one given, else the live one, else the newest of make train. Raises EvaluationError when there is none."""
    found = given or live_adapter() or newest_adapter("default")
    if found is None:
        raise EvaluationError("there is no tuned adapter: make train, or evaluate --generators base")
    return found
