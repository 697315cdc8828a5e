"""Which of two documents is newer, by the revisions and dates in their names, titles, headings and beginnings."""

from __future__ import annotations

import itertools
import re

from rag.core.chunk import Chunk
from rag.core.words import MONTH
from rag.retrieval.passage import Passage

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
REVISION = re.compile(r"\b(?:revision|rev|version|issue|edition)\.?[ _-]*(\d{1,3})\b", re.I)
DATE = re.compile(
    rf"\b(?:(\d{{1,2}})\s+)?(?:({MONTH})\.?,?\s+(?:(\d{{1,2}}),?\s+)?)?((?:19|20)\d\d)(?:-(\d\d)(?:-(\d\d))?)?\b", re.I
)
BEGINNING = 200  # characters: a passage that starts within them may hold the document's date line
_DATED = "date|dated|in force|effective|valid|issued|published|updated|revised|revision|version|edition|issue"
DATE_LINE = re.compile(rf"(\b(?:{_DATED})\b[^\n.]{{0,40}})", re.I)
# What in a name tells editions of one document apart; another number, as in invoice-1017, tells documents apart.
_EDITION = re.compile(
    r"(?<![a-z])(?:(?:revision|rev|version|v|issue|edition|draft|copy)[ ._-]*\d*|final|old|new"
    rf"|(?:\d{{1,2}}[ ._-]+)?(?:{MONTH})|(?:19|20)\d\d(?:[._-]?\d\d){{0,2}})(?![a-z\d])"
)


def is_same_series(a: Chunk, b: Chunk) -> bool:
    """Return whether the files' names are equal without revisions and dates."""
    return _series(a) == _series(b)


def newer_document(a: Chunk, b: Chunk, passages: list[Passage]) -> int:
    """Return 1 if the document of `a` is newer, -1 if that of `b` is, 0 if nothing tells.

    Revisions count only between editions of one document, dates always; a date counts as far as both documents give it.
    """
    for age in (_revision, _date) if _is_same_document(a, b) else (_date,):
        pairs = zip(age(a, passages), age(b, passages), strict=False)
        if different := next(((x, y) for x, y in pairs if x != y), None):
            return 1 if different[0] > different[1] else -1
    return 0


def _series(chunk: Chunk) -> frozenset[str]:
    return _without_edition(chunk.document.rpartition("/")[2].rpartition(".")[0])


def _without_edition(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", _EDITION.sub(" ", name.lower())))


def _is_same_document(a: Chunk, b: Chunk) -> bool:
    """Whether both are editions of one document, by their files' names or their first headings."""
    first, second = (_without_edition((*chunk.headings, chunk.title)[0]) for chunk in (a, b))
    return is_same_series(a, b) or bool(first) and first == second


def _texts_with_age(chunk: Chunk, passages: list[Passage]) -> list[str]:
    """Return name, title, headings and date lines of a chunk's document, the most telling first."""
    beginning = " ".join(
        p.chunk.text for p in passages if p.chunk.document == chunk.document and p.chunk.start < BEGINNING
    )
    return [chunk.document, chunk.title, *chunk.headings, *(line[1] for line in DATE_LINE.finditer(beginning))]


def _revision(chunk: Chunk, passages: list[Passage]) -> tuple[int, ...]:
    found = (REVISION.search(text) for text in _texts_with_age(chunk, passages))
    return next(((int(match[1]),) for match in found if match), ())


def _date(chunk: Chunk, passages: list[Passage]) -> tuple[int, ...]:
    """Return (year, month, day) of the first text with a date, as far as it is given."""
    for text in _texts_with_age(chunk, passages):
        if match := DATE.search(text):
            day_before, month_name, day_after, year, iso_month, iso_day = match.groups()
            month = str(MONTHS.index(month_name[:3].lower()) + 1) if month_name else iso_month
            parts = (year, month, day_before or day_after or iso_day)
            return tuple(map(int, itertools.takewhile(bool, parts)))
    return ()
