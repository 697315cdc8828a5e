"""Progress bars with the time left: on a terminal alone, from the first second on."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

_wanted = True


def progress_bar(total: int, what: str, unit: str, **options: Any) -> tqdm:
    """Return tqdm's bar for work of `total` units, which shows nothing where `shows_progress` is false."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit=unit, delay=1, disable=not shows_progress(), **options)


def shows_progress() -> bool:
    """Tell whether standard error is a terminal, and bars are wanted."""
    return _wanted and sys.stderr.isatty()


@contextmanager
def library_progress() -> Iterator[None]:
    """Keep the bars that a library prints inside off a pipe."""
    with nullcontext() if shows_progress() else redirect_stderr(io.StringIO()):
        yield


def want_progress(wanted: bool) -> None:
    """Set whether bars are shown from now on, where there is a terminal."""
    global _wanted
    _wanted = wanted
