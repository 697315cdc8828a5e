"""How much one file may take: bytes, pages, characters, seconds, memory."""

from __future__ import annotations

import contextlib

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings

try:
    import signal

    TIMER = signal.ITIMER_PROF
except AttributeError:  # Windows has no such timer: nothing stops a slow parser there
    TIMER = None


DEFAULTS = DocumentSettings()


def start_clock(seconds: float) -> None:
    """From now on the process ends after so much processor time, unless the clock is started again; 0 stops it."""
    if TIMER is not None:
        signal.setitimer(TIMER, seconds, seconds)


def progress() -> None:
    """A parser is one page, slide or row further: the clock starts again where one runs."""
    if TIMER is not None:
        with contextlib.suppress(ValueError):
            _, seconds = signal.getitimer(TIMER)
            if seconds:
                signal.setitimer(TIMER, seconds, seconds)


def require_pages(count: int, what: str, settings: DocumentSettings) -> None:
    """Raises DocumentError when there are more pages (slides, sheets: `what` says it) than settings.max_pages."""
    if count > settings.max_pages:
        raise DocumentError(
            f"{count:,} {what}, more than {settings.max_pages:,}", remedy="split it, or raise documents.max_pages"
        )
