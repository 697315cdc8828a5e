"""Rows of a PDF table without lines between them, told by the white that goes through all its columns."""

from __future__ import annotations

from itertools import pairwise

from rag.documents.formats.pdf.words import Word, font_size, lines_of

WIDER = 0.25  # font sizes by which the white between rows is wider than that between the lines of a cell
MOST_LINES = 2.5  # of a cell on average; paragraphs beside each other have more
FEWEST = 3  # rows
SHARE = 0.8  # of the rows that have text in two columns or more


def cuts_between_rows(columns: list[list[Word]]) -> list[float]:
    """Return where rows are parted, in points from the top; nothing where white does not tell.

    The white between rows is wider than between the lines of a cell, and no column has such white elsewhere.
    """
    columns = [column for column in columns if column]
    words = [word for column in columns for word in column]
    gaps = [gap for column in columns for gap in _gaps(column)]
    if len(columns) < 2 or not gaps:
        return []
    wide = max(0.0, min(bottom - top for top, bottom in gaps)) + WIDER * font_size(words)
    through = [(top, bottom) for top, bottom in _gaps(words) if bottom - top > wide]
    cuts = [(top + bottom) / 2 for top, bottom in through]
    bands = _bands(columns, cuts)
    heights = [len(lines_of(cell)) for band in bands for cell in band if cell]
    if len(cuts) < FEWEST - 1 or sum(heights) > MOST_LINES * len(heights):
        return []
    own = [gap for gap in gaps if gap[1] - gap[0] > wide]
    parted = all(any(top <= cut <= bottom for cut in cuts) for top, bottom in own)
    filled = sum(sum(map(bool, band)) > 1 for band in bands)
    return cuts if parted and max(heights) > 1 and filled >= SHARE * len(bands) else []


def _gaps(words: list[Word]) -> list[tuple[float, float]]:
    """Return the white between words from top to bottom, as far as no word reaches into it."""
    spans = sorted((word.top, word.bottom) for word in words)
    gaps, reached = [], spans[0][1]
    for top, bottom in spans[1:]:
        if top > reached - WIDER * (bottom - top) and bottom > reached:
            gaps.append((reached, top))
        reached = max(reached, bottom)
    return gaps


def _bands(columns: list[list[Word]], cuts: list[float]) -> list[list[list[Word]]]:
    """Return for each row the words of each column."""
    edges = [float("-inf"), *cuts, float("inf")]
    return [
        [[word for word in column if top < (word.top + word.bottom) / 2 <= bottom] for column in columns]
        for top, bottom in pairwise(edges)
    ]


def lines_in_rows(words: list[Word], cuts: list[float]) -> list[list[list[Word]]]:
    """Return the lines of each row. cuts: where rows are parted; without them lines that overlap are of one row."""
    rows: list[list[list[Word]]] = []
    for line in lines_of(words):
        middle, height = (line[0].top + line[0].bottom) / 2, line[0].bottom - line[0].top
        above = rows[-1][-1][0] if rows else None
        if above and cuts:
            goes_on = not any((above.top + above.bottom) / 2 < cut <= middle for cut in cuts)
        else:
            goes_on = bool(above and above.bottom - line[0].top > WIDER * height)
        if goes_on:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows
