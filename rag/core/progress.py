"""Progress bars with the time left: on a terminal alone, from the first second on."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

Listener = Callable[[str, float, float], None]  # what is done, units done so far, units in all

_wanted = True
_listener: ContextVar[Listener | None] = ContextVar("progress listener", default=None)


def progress_bar(total: int, what: str, unit: str, **options: Any) -> tqdm:
    """Return tqdm's bar for work of `total` units, which shows nothing where `shows_progress` is false.

    Inside `telling_progress` its steps are told to the listener as well.
    """
    from tqdm import tqdm

    bar = tqdm(total=total, desc=what, unit=unit, delay=1, disable=not shows_progress(), **options)
    if listener := _listener.get():
        _tell_updates(bar, what, total, listener)
    return bar


def _tell_updates(bar: tqdm, what: str, total: int, listener: Listener) -> None:
    update, done = bar.update, 0.0

    def told(n: float | None = 1) -> bool | None:
        nonlocal done
        done = min(total, done + (n or 0))
        listener(what, done, total)
        return update(n)

    bar.update = told


@contextmanager
def telling_progress(listener: Listener) -> Iterator[None]:
    """Tell the listener every step of the work that this thread does inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


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
