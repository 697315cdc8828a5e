"""Progress bars with the time left: on a terminal alone, from the first second on."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

_wanted = True


def progress_bar(total: int, what: str, unit: str, **options: Any) -> tqdm:
    """Return tqdm's bar for work of `total` units, which shows nothing in a pipe or after `no_progress`."""
    return tqdm(total=total, desc=what, unit=unit, delay=1, disable=None if _wanted else True, **options)


def no_progress() -> None:
    """Show no bars from now on."""
    global _wanted
    _wanted = False
