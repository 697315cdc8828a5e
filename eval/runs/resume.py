"""Long work in batches, each line kept as soon as it is made, so that a killed run goes on and ends in the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from rag.core.jsonl import recovered_lines

T = TypeVar("T")
Work = Callable[[list[T]], list[dict[str, Any]]]


def resumable_batches(
    path: Path, items: list[T], size: int, length: Callable[[T], int], work: Work, label: str
) -> dict[str, dict]:
    """-> a row for each item, by its id. Rows already in `path` are kept, unless they failed; new ones are appended to it.

    Items of one length share a batch, to waste little padding. Batches are cut from all items, done or not: padding changes the last digits of
    a model's arithmetic, so a question must meet the same neighbours whether or not the run was cut off."""
    done = {row["id"]: row for row in recovered_lines(path) if not row.get("error")}
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
