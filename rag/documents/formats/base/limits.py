"""How much one file may take: seconds of a parser without progress, and pages. (`DocumentSettings` has all limits.)"""

from __future__ import annotations

import contextlib
import signal

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings

DEFAULTS = DocumentSettings()
# Counts processor time, so that a busy machine stops no parser. Windows has no such timer: nothing stops a slow
# parser there.
TIMER: int | None = getattr(signal, "ITIMER_PROF", None)


def start_clock(seconds: float) -> None:
    """End this process after so many seconds of processor time, unless the clock is started again; 0 stops it."""
    if TIMER is not None:
        signal.setitimer(TIMER, seconds, seconds)


def progress() -> None:
    """Start the clock again, where one runs: the parser is one page, slide or row further."""
    if TIMER is not None:
        with contextlib.suppress(ValueError):
            _, seconds = signal.getitimer(TIMER)
            if seconds:
                signal.setitimer(TIMER, seconds, seconds)


def require_pages(count: int, what: str, settings: DocumentSettings) -> None:
    """Raise DocumentError when there are more pages than settings.max_pages. what: "pages", "slides" or "sheets"."""
    if count > settings.max_pages:
        reason = f"{count:,} {what}, more than {settings.max_pages:,}"
        raise DocumentError(reason, "split it, or raise documents.max_pages")
