"""Tables of a PDF page that have no lines: words in columns that belong together row by row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar

from rag.documents.formats.pdf.row_bands import WIDER, cuts_between_rows
from rag.documents.formats.pdf.words import Word, lines_of

STRIP = 0.75  # width of a strip between columns at least, in font sizes
LINES = 3  # that stand on each side of a strip at least
AMID = 0.4  # of the lines of running text that begin amid a sentence
SOME = 0.2  # the same where they fill their column
FULL = 0.7  # the width of a line of running text, of its column's, on average
MARKER = re.compile(r"[•▪●○–—*·-]|\(?[0-9]{1,3}[.):]?|\(?[a-zA-Z][.)]|\(?[ivx]{1,4}[.)]|§+|[QA]:|☐|☑|□")


class Box(Protocol):
    """What has a place on a page, in points from its upper left corner."""

    @property
    def x0(self) -> float: ...
    @property
    def top(self) -> float: ...
    @property
    def x1(self) -> float: ...
    @property
    def bottom(self) -> float: ...


B = TypeVar("B", bound=Box)


@dataclass(frozen=True)
class Flow:
    """Boxes of one column, or of a table without lines, to be read in this order. strips: between table columns."""

    boxes: tuple[Box, ...]
    strips: tuple[float, ...] = ()


def middle(box: Box) -> float:
    return (box.top + box.bottom) / 2


def rows_of(boxes: Iterable[B]) -> list[list[B]]:
    """Return boxes that stand beside each other, each row from left to right, the rows from top to bottom."""
    rows: list[list[B]] = []
    for box in sorted(boxes, key=middle):
        if rows and middle(box) < rows[-1][0].bottom - 0.25 * (rows[-1][0].bottom - rows[-1][0].top):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [sorted(row, key=lambda box: box.x0) for row in rows]


def open_table_flows(band: list[Box], left: float, right: float, size: float) -> list[Flow]:
    """Return a band as one table without lines; nothing where it is columns of running text.

    left, right: the strip of white that parts the band.
    """
    if not all(isinstance(box, Word) for box in band):
        return []
    rows = lines_of(box for box in band if isinstance(box, Word))
    full = [n for n, row in enumerate(rows) if row[0].x1 <= left and row[-1].x0 >= right]
    if len(full) < LINES:
        return []
    first, end = full[0], full[-1] + 1
    inside = [word for row in rows[first:end] for word in row]
    strips = _white(inside, size)
    columns = [[word for word in inside if a <= word.x0 < b] for a, b in pairwise([-1e9, *strips, 1e9])]
    if len(columns) < 2 or not stand_in_rows(columns, size):
        return []
    if cuts_between_rows(columns):
        end += _rest_of_row(rows, end, size)
    parts = (rows[:first], ()), (rows[first:end], tuple(strips)), (rows[end:], ())
    return [Flow(tuple(word for row in part for word in row), edges) for part, edges in parts if part]


def first_table(band: list[Box], strip: tuple[float, float], size: float) -> list[Box]:
    """Return a band down to the line of text that parts a table without lines from what follows; else all of it."""
    rows = lines_of(box for box in band if isinstance(box, Word))
    full = [n for n, row in enumerate(rows) if row[0].x1 <= strip[0] and row[-1].x0 >= strip[1]]
    steps = [below[0].bottom - above[0].bottom for above, below in pairwise(rows)]
    step = min((steps[n] for n in full if n + 1 in full), default=0.0)
    for n in range(full[LINES - 1] + 1, len(rows) - 1) if step and len(full) >= LINES else ():
        one_text = all(right.x0 - left.x1 < STRIP * size for left, right in pairwise(rows[n]))
        if one_text and n not in full and min(steps[n - 1], steps[n]) > step + WIDER * size:
            above: list[Box] = [word for row in rows[:n] for word in row]
            if open_table_flows(above, *strip, size):
                return above
    return band


def _rest_of_row(rows: list[list[Word]], end: int, size: float) -> int:
    """Return how many lines below a table stand as close as lines of a cell do, and so end its last row."""
    steps = [below[0].bottom - above[0].bottom for above, below in pairwise(rows[: end + 1])]
    count = 0
    while end + count < len(rows):
        if rows[end + count][0].bottom - rows[end + count - 1][0].bottom > min(steps) + WIDER * size:
            break
        count += 1
    return count


def _white(words: list[Word], size: float) -> list[float]:
    """Return the middles of the strips of white that go through all words."""
    strips, reached = [], float("inf")
    for word in sorted(words, key=lambda word: word.x0):
        if word.x0 - reached >= STRIP * size:
            strips.append((word.x0 + reached) / 2)
        reached = word.x1 if reached == float("inf") else max(reached, word.x1)
    return strips


def stand_in_rows(columns: list[list[Word]], size: float) -> bool:
    """Return whether the lines of columns belong together in rows: they stand level, and at most one runs on."""
    first, *others = [lines_of(column) for column in columns]
    if all(MARKER.fullmatch(line[0].text) for line in first if len(line) == 1) and all(
        len(line) == 1 for line in first
    ):
        return False
    if cuts_between_rows(columns):
        return True
    shorter = min((first, *others), key=len)
    bottoms = [line[0].bottom for lines in (first, *others) if lines is not shorter for line in lines]
    level = sum(any(abs(line[0].bottom - bottom) <= 0.2 * size for bottom in bottoms) for line in shorter)
    if level < 0.75 * len(shorter):
        return False
    running = [_runs_on(lines) for lines in (first, *others)]
    narrow = [_is_prose(lines, 1.8) and _fullness(lines) >= FULL for lines in (first, *others)]
    prose = sum(map(max, running, narrow))
    if prose > 1 or _is_prose(first, 2.5) or (len(columns) == 2 and _name_their_values(first, others[0])):
        return False
    return not (running[-1] and len(columns) == 2 and _is_close(first, others[0], size))


def _runs_on(lines: list[list[Word]]) -> bool:
    """Return whether lines are running text: rather full, and of several words."""
    letters = sum(len(word.text) for line in lines for word in line) / len(lines)
    return _fullness(lines) >= FULL and letters >= 14 and _is_prose(lines, 2.5, SOME)


def _fullness(lines: list[list[Word]]) -> float:
    """Return how much of the column's width its lines take on average."""
    left, right = min(line[0].x0 for line in lines), max(line[-1].x1 for line in lines)
    return sum(line[-1].x1 - line[0].x0 for line in lines) / len(lines) / max(right - left, 1)


def _is_prose(lines: list[list[Word]], words: float, share: float = AMID) -> bool:
    """Return whether many lines of so many words begin amid a sentence, as no column of names does."""
    amid = sum(line[0].text[0].islower() or above[-1].text.endswith("-") for above, line in pairwise(lines))
    return amid >= share * (len(lines) - 1) and sum(map(len, lines)) >= words * len(lines)


def _name_their_values(*sides: list[list[Word]]) -> bool:
    """Return whether most lines of a side say `name: value` by themselves, as in an address block."""
    return any(
        sum(any(word.text.endswith(":") for word in line[:-1]) for line in lines) >= 0.6 * len(lines) for lines in sides
    )


def _is_close(labels: list[list[Word]], text: list[list[Word]], size: float) -> bool:
    """Return whether short lines beside running text go on line by line: a margin, and no list of terms."""
    gaps = [below[0].bottom - above[0].bottom for above, below in pairwise(labels)]
    lower = sum(line[0].text[0].islower() for line in text[: len(labels)])
    return bool(gaps) and max(gaps) <= 1.8 * size and lower >= 0.4 * min(len(labels), len(text))
