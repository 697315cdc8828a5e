"""The generators that a command line names."""

from __future__ import annotations

from pathlib import Path

from rag.core.errors import EvaluationError


def generators_of(text: str, adapter: Path | None) -> dict[str, Path | None]:
    """-> name: adapter, None for the base model. Raises EvaluationError on a name that is neither base, tuned nor NAME=ADAPTER."""
    from eval.runs.evaluate import tuned_adapter

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
