"""Whether a folder lost so many files that it looks like a disk that is not there, rather than like deleted files."""

from __future__ import annotations

import os
from pathlib import Path

MANY = 5  # documents; fewer may go at once, unless they are all


def is_mass_removal(removed: list[Path], before: int, folder: Path) -> bool:
    """Tell whether removing these documents should be asked for first.

    removed: the files, all within `folder`, which are gone. before: how many documents of the folder the index has. It
    is so for all of them, for more than half if they are MANY, and for MANY from a subfolder that is there and empty.
    """
    if not removed:
        return False
    if len(removed) == before or len(removed) >= MANY and 2 * len(removed) > before:
        return True
    above = {parent for path in removed for parent in path.parents if parent.is_relative_to(folder)}
    return any(sum(path.is_relative_to(each) for path in removed) >= MANY and _is_empty(each) for each in above)


def _is_empty(folder: Path) -> bool:
    try:
        return not any(os.scandir(folder))
    except OSError:
        return False
