"""The generators that a command line names."""

from __future__ import annotations

from pathlib import Path

from rag.core.errors import EvaluationError
from rag.core.run_folder import Stage
from rag.factory import live_adapter


def parse_generators(text: str, adapter: Path | None) -> dict[str, Path | None]:
    """Return the adapter of each generator named in a list joined by commas; None stands for the base model.

    adapter: the one that "tuned" names. Raises EvaluationError on a name that is neither base, tuned nor
    NAME=ADAPTER.
    """
    found: dict[str, Path | None] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, equals, folder = item.partition("=")
        known = Path(folder).is_dir() if equals else name in ("base", "tuned")
        if not known or not name.replace("-", "").isalnum():
            raise EvaluationError(f"--generators takes base, tuned and NAME=ADAPTER, joined by commas, not {item!r}")
        found[name] = Path(folder) if equals else tuned_adapter(adapter) if name == "tuned" else None
    if not found:
        raise EvaluationError("--generators names nothing: base,tuned")
    return found


def newest_adapter(run: str) -> Path | None:
    """Return the adapter of the run's last finished stage, None where no stage has finished."""
    stages = (Stage(run, name) for name in ("dpo", "sft"))
    return next((stage.folder / "adapter" for stage in stages if stage.finished), None)


def tuned_adapter(given: Path | None) -> Path:
    """Return the adapter to measure: the given one, else the live one, else the newest of make train.

    Raises EvaluationError where there is none.
    """
    found = given or live_adapter() or newest_adapter("default")
    if found is None:
        raise EvaluationError("there is no tuned adapter: make train, or evaluate --generators base")
    return found
