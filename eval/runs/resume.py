"""Long work in batches, each line kept as soon as it is made, so that a killed run goes on and ends in the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from eval.runs.questions import EvaluationError

T = TypeVar("T")
Work = Callable[[list[T]], list[dict[str, Any]]]


def in_batches(
    path: Path, items: list[T], size: int, length: Callable[[T], int], work: Work, label: str
) -> dict[str, dict]:
    """-> a row for each item, by its id. Rows already in `path` are kept, unless they failed; new ones are appended to it.

    Items of one length share a batch, to waste little padding. Batches are cut from all items, done or not: padding changes the last digits of
    a model's arithmetic, so a question must meet the same neighbours whether or not the run was cut off."""
    done = {row["id"]: row for row in _recovered(path) if not row.get("error")}
    ordered = sorted(items, key=lambda item: (length(item), item.id))  # type: ignore[attr-defined]
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("a", encoding="utf-8") as file,
        tqdm(total=len(items), initial=len(done), desc=label, unit=" questions") as bar,
    ):
        for at in range(0, len(ordered), size):
            batch = ordered[at : at + size]
            missing = {item.id for item in batch if item.id not in done}  # type: ignore[attr-defined]
            if not missing:
                continue
            for row in work(batch):
                if row["id"] in missing:
                    done[row["id"]] = row
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            bar.update(len(missing))
    return done


def _recovered(path: Path) -> list[dict[str, Any]]:
    """-> the file's lines; a last one cut short by a kill is left out, and cut from the file so that it can be appended to."""
    if not path.exists():
        return []
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])
    return read_lines(path)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """-> the file's JSON lines. Raises EvaluationError when it can't be read or a line is not JSON."""
    try:
        with path.open(encoding="utf-8") as file:  # not str.splitlines, which also parts lines at U+2028 and U+0085
            return [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} can't be read as JSON lines: {error}") from error


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """JSON lines, written aside and renamed."""
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Written aside and renamed."""
    _write(path, json.dumps(data, ensure_ascii=False, indent=1))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}")
    aside.write_text(text, encoding="utf-8")
    aside.rename(path)
