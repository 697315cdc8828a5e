"""Long work in batches: each line is kept as soon as it is made, so that a killed run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from rag.core.jsonl import recovered_lines


class HasId(Protocol):
    """What can be worked on: its id names its line in the file."""

    @property
    def id(self) -> str:
        """Return the id."""


Item = TypeVar("Item", bound=HasId)
Rows = list[dict[str, Any]]


def resumable_batches(
    path: Path,
    items: list[Item],
    size: int,
    length: Callable[[Item], int],
    work: Callable[[list[Item]], Rows],
    label: str,
) -> dict[str, dict[str, Any]]:
    """Do the work in batches and return its rows by id; each has the id of its item.

    path: JSON lines; rows already there are kept unless they hold an error, and new ones are appended. size: items of
    a batch. label: what the progress bar says. Items of one length share a batch, to waste little padding. Batches
    are cut from all items, done or not: padding changes the last digits of a model's arithmetic, so an item must meet
    the same neighbours whether or not the run was cut off.
    """
    done = {row["id"]: row for row in recovered_lines(path) if not row.get("error")}
    ordered = sorted(items, key=lambda item: (length(item), item.id))
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("a", encoding="utf-8") as file,
        tqdm(total=len(items), initial=len(done), desc=label, unit=" questions") as bar,
    ):
        for at in range(0, len(ordered), size):
            batch = ordered[at : at + size]
            missing = {item.id for item in batch if item.id not in done}
            if not missing:
                continue
            for row in work(batch):
                if row["id"] in missing:
                    done[row["id"]] = row
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            bar.update(len(missing))
    return done
