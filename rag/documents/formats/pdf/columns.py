"""The order in which people read a page: columns one after the other, what spans them before and after.

A page is cut where a strip of white paper stands between text on both sides over several lines. What lies above and
below the strip is cut in the same way. Text on both sides is read as columns where it runs on from line to line, and
else row by row, as a table without lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rag.documents.formats.pdf.open_tables import (
    LINES,
    MARKER,
    STRIP,
    Box,
    Flow,
    first_table,
    middle,
    open_table_flows,
    rows_of,
)
from rag.documents.formats.pdf.words import Word, font_size, lines_of

BREAK = 2.5  # a white gap over all columns ends them when it is so many font sizes high
LARGER = 0.8  # points by which a heading is larger than the text below


@dataclass(frozen=True)
class _Strip:
    left: float
    right: float
    top: float
    bottom: float


def reading_order(boxes: list[Box]) -> list[Flow]:
    """Return the boxes of a page (words, and tables as wholes) in the order in which they are read."""
    if not boxes:
        return []
    size = font_size(box for box in boxes if isinstance(box, Word)) if any(isinstance(b, Word) for b in boxes) else 10
    return list(_flows(boxes, size))


def _flows(boxes: list[Box], size: float) -> Iterator[Flow]:
    for strip in _strips(boxes, size):
        band = [box for box in boxes if strip.top < middle(box) < strip.bottom]
        band = first_table(_without_ends(band, strip, size), (strip.left, strip.right), size)
        top, bottom = min(box.top for box in band), max(box.bottom for box in band)
        left, right = [box for box in band if box.x1 <= strip.left], [box for box in band if box.x0 >= strip.right]
        if _line_count(left) < LINES or _line_count(right) < LINES:
            continue
        parts = open_table_flows(band, strip.left, strip.right, size) or _columns(band, left, right, size)
        if parts:
            yield from _flows_of([box for box in boxes if middle(box) <= top], size)
            yield from parts
            yield from _flows_of([box for box in boxes if middle(box) >= bottom], size)
            return
    yield Flow(tuple(boxes))


def _flows_of(boxes: list[Box], size: float) -> Iterator[Flow]:
    if boxes:
        yield from _flows(boxes, size)


def _line_count(boxes: list[Box]) -> int:
    """Return how many lines boxes take; a table stands for several."""
    return len(rows_of(boxes)) + LINES * any(not isinstance(box, Word) for box in boxes)


def _strips(boxes: list[Box], size: float) -> list[_Strip]:
    """Return strips of white with text on both sides, the one beside most lines first."""
    width, found = STRIP * size, []
    starts = {round(box.x0, 1) for row in rows_of(boxes) for box in _segment_starts(row, width)}
    for start in sorted(starts):
        across = sorted((b for b in boxes if b.x0 < start - 0.1 and b.x1 > start - width), key=lambda box: box.top)
        ends = [float("-inf"), *(box.bottom for box in across)]
        for end, top in zip(ends, [*(box.top for box in across), float("inf")], strict=True):
            if top - end < LINES * size:
                continue
            inside = [box for box in boxes if end < middle(box) < top]
            left, right = [b for b in inside if b.x0 < start - 0.1], [b for b in inside if b.x0 >= start - 0.1]
            lines = min(_line_count(left), _line_count(right))
            if lines >= LINES:
                strip = _Strip(max(box.x1 for box in left), min(box.x0 for box in right), end, top)
                found.append((lines, strip.right - strip.left, strip))
    return [strip for _, _, strip in sorted(found, key=lambda each: each[:2], reverse=True)]


def _segment_starts(row: list[Box], width: float) -> Iterator[Box]:
    yield row[0]
    reached = row[0].x1
    for box in row[1:]:
        if box.x0 - reached >= width:
            yield box
        reached = max(reached, box.x1)


def _without_ends(band: list[Box], strip: _Strip, size: float) -> list[Box]:
    """Return a band without rows at its ends that stand on one side, and apart or in another size.

    Those are titles, captions, and feet of the page.
    """
    rows = rows_of(band)
    for _ in range(2):  # from the top, then, reversed, from the bottom
        while len(rows) > 1 and _is_apart(rows[0], rows[1], _is_one_sided(rows[0], strip), size):
            rows.pop(0)
        rows.reverse()
    return [box for row in rows for box in row]


def _is_one_sided(row: list[Box], strip: _Strip) -> bool:
    return all(box.x1 <= strip.left for box in row) or all(box.x0 >= strip.right for box in row)


def _is_apart(row: list[Box], other: list[Box], one_sided: bool, size: float) -> bool:
    first, second = sorted((row, other), key=lambda boxes: boxes[0].top)
    gap = min(box.top for box in second) - max(box.bottom for box in first)
    words, others = [box for box in row if isinstance(box, Word)], [box for box in other if isinstance(box, Word)]
    other_size = words and others and abs(font_size(words) - font_size(others)) > LARGER
    return gap > BREAK * size or (one_sided and bool(other_size))


def _columns(band: list[Box], left: list[Box], right: list[Box], size: float) -> list[Flow]:
    """Return the flows of columns; none where the left side holds but the marks of a list, or lines are numbered."""
    first = [line[0].text for line in lines_of(box for box in left if isinstance(box, Word)) if len(line) == 1]
    if len(first) >= 0.8 * _line_count(left) and all(map(MARKER.fullmatch, first)):
        return []
    flows: list[Flow] = []
    for part in _parts(band, max(box.x1 for box in left), min(box.x0 for box in right), size):
        for side in (left, right):
            inside = [box for box in side if any(box is other for other in part)]
            flows += _flows_of(inside, size)
    return flows


def _parts(band: list[Box], left: float, right: float, size: float) -> list[list[Box]]:
    """Return a band cut where all columns end: at a high white gap, and around a heading with nothing beside it."""
    rows = rows_of(band)
    parts: list[list[Box]] = [[]]
    for n, row in enumerate(rows):
        if n and _ends_columns(rows, n, left, right, size):
            parts.append([])
        parts[-1] += row
    return parts


def _ends_columns(rows: list[list[Box]], n: int, left: float, right: float, size: float) -> bool:
    """Return whether row n begins another set of columns; both sides go on above and below."""
    above, below = [box for row in rows[:n] for box in row], [box for row in rows[n:] for box in row]
    if not all(any(b.x1 <= left for b in half) and any(b.x0 >= right for b in half) for half in (above, below)):
        return False
    gap = min(box.top for box in below) - max(box.bottom for box in above)
    if gap >= BREAK * size or (gap >= size and _sentence_goes_over(above, below, left, right)):
        return True
    words = [box for box in rows[n] if isinstance(box, Word)]
    is_heading = words and len(words) == len(rows[n]) and font_size(words) > size + LARGER
    alone = all(box.x1 <= left for box in rows[n])
    return bool(is_heading and alone and gap >= 0 and n + 1 < len(rows) and _is_clear(rows[n + 1], rows[n]))


def _sentence_goes_over(above: list[Box], below: list[Box], left: float, right: float) -> bool:
    """Return whether the left column ends amid a sentence that goes on at the top of the right one."""
    last, following, over = (
        [box for box in part if isinstance(box, Word) and (box.x1 <= left if side == 0 else box.x0 >= right)]
        for part, side in ((above, 0), (below, 0), (above, 1))
    )
    if not (last and following and over):
        return False
    first, upper = lines_of(following)[0][0].text, lines_of(over)[0][0].text
    return upper[0].islower() and not first[0].islower() and lines_of(last)[-1][-1].text[-1] not in ".:;!?"


def _is_clear(row: list[Box], heading: list[Box]) -> bool:
    return min(box.top for box in row) >= max(box.bottom for box in heading)
