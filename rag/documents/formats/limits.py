"""How much one file may take: bytes, pages, characters, seconds, memory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from rag.core.errors import DocumentError

try:
    import signal

    TIMER = signal.ITIMER_PROF
except AttributeError:  # Windows has no such timer: nothing stops a slow parser there
    TIMER = None


@dataclass(frozen=True)
class DocumentSettings:
    """What a file may be at most; one that is more is left out with the reason.

    max_bytes: size of the file. max_unpacked: bytes in a zip-based file (DOCX, PPTX, XLSX) when unpacked. max_ratio: unpacked against packed
    size, asked of what unpacks to more than 10 MB. max_pages: pages, slides or sheets. max_characters: text that comes out.
    max_seconds: processor time of a parser without one more page, slide or row coming out. max_memory: bytes that the process of the parsers may take.
    """

    max_bytes: int = 100_000_000
    max_unpacked: int = 300_000_000
    max_ratio: int = 200
    max_pages: int = 5_000
    max_characters: int = 50_000_000
    max_seconds: float = 10.0
    max_memory: int = 1_000_000_000


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
