"""Tables of a PDF page: those with ruled cells, those that only stand in columns, and those that go on over pages."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from rag.documents.formats.pdf_hyphens import join_lines
from rag.documents.formats.pdf_words import Word, line_text, lines_of
from rag.documents.formats.sections import Block, flat
from rag.documents.formats.tables import table_blocks

if TYPE_CHECKING:
    from pdfplumber.page import Page

BoxOf = tuple[float, float, float, float]  # left, top, right, bottom
LONG_CELL = 40  # words; a "table" of one row with longer cells is a layout of columns
SAME_EDGE = 6.0  # points by which the edges of one table differ from page to page at most


@dataclass(frozen=True)
class PdfTable:
    """A table: its box in points, the texts of its rows of cells, and the page that each row stands on."""

    x0: float
    top: float
    x1: float
    bottom: float
    rows: tuple[tuple[str, ...], ...]
    pages: tuple[int, ...]

    def blocks(self, caption: str = "") -> list[Block]:
        """Return the rows as blocks, each on its page. caption: the table's title, from a line above it."""
        return table_blocks([list(row) for row in self.rows], self.pages, caption=caption)

    def goes_on_in(self, other: PdfTable) -> bool:
        """Return whether a table on the next page has the same columns, and so is the rest of this one."""
        return (
            len(self.rows[0]) == len(other.rows[0])
            and abs(self.x0 - other.x0) <= SAME_EDGE
            and abs(self.x1 - other.x1) <= SAME_EDGE
        )

    def joined(self, other: PdfTable) -> PdfTable:
        """Return this table with the rows of the next page; a header that is repeated there is left out."""
        repeated = 0
        while repeated < min(len(self.rows), len(other.rows)) and self.rows[repeated] == other.rows[repeated]:
            repeated += 1
        return replace(self, rows=self.rows + other.rows[repeated:], pages=self.pages + other.pages[repeated:])


def ruled_tables(page: Page, words: list[Word]) -> Iterator[tuple[PdfTable, list[Word]]]:
    """Yield each table whose cells have borders, with the words in it. Frames and layouts of columns are none."""
    for found in page.find_tables():
        inside = [word for word in words if _lies_in(word, found.bbox)]
        cells = {cell: [word for word in inside if _lies_in(word, cell)] for cell in found.cells}
        filled = [held for held in cells.values() if held]
        if len(filled) < 2 or _is_layout(found.cells, filled):
            continue
        rows = list(_ruled_rows(cells))
        if rows:
            yield _table(found.bbox, rows, page.page_number), [word for held in filled for word in held]


def frames(page: Page) -> list[BoxOf]:
    """Return the boxes that are drawn around something: filled or bordered rectangles, and tables of one cell."""
    single = [table.bbox for table in page.find_tables() if len(table.cells) == 1]
    rects = [(rect["x0"], rect["top"], rect["x1"], rect["bottom"]) for rect in page.rects]
    return single + [box for box in rects if box[2] - box[0] > 30 and box[3] - box[1] > 20]


def open_table(words: list[Word], strips: tuple[float, ...], page: int) -> PdfTable:
    """Return a table without lines. strips: where its columns are parted, in points from the left."""
    rows: list[list[str]] = []
    for line in lines_of(words):
        row = [flat(line_text([word for word in line if bisect(strips, word.x0) == n])) for n in range(len(strips) + 1)]
        if rows and _is_rest(row, rows[-1]):
            rows[-1] = [join_lines(filter(None, both)) for both in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    box = min(w.x0 for w in words), min(w.top for w in words), max(w.x1 for w in words), max(w.bottom for w in words)
    return _table(box, rows, page)


def _table(box: BoxOf, rows: list[list[str]], page: int) -> PdfTable:
    kept = tuple(tuple(row) for row in rows if any(row))
    return PdfTable(*box, kept, (page,) * len(kept))


def _is_rest(row: list[str], above: list[str]) -> bool:
    """Return whether a line of a table goes on with the cells above: fewer cells, in mid-sentence or with no name."""
    filled = [n for n, text in enumerate(row) if text]
    if len(filled) >= sum(map(bool, above)) or not all(above[n] for n in filled):
        return False
    return all(row[n][0].islower() for n in filled) or (not row[0] and all(row[n][0].isalpha() for n in filled))


def _lies_in(word: Word, box: BoxOf) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _is_layout(cells: list[BoxOf], filled: list[list[Word]]) -> bool:
    rows = len({round(cell[1]) for cell in cells})
    return rows == 1 and max(map(len, filled)) >= LONG_CELL


def _ruled_rows(cells: dict[BoxOf, list[Word]]) -> Iterator[list[str]]:
    """Yield the rows of a ruled table; a cell over several columns or rows stands in each, one over all once."""
    xs, ys = _edges([x for cell in cells for x in (cell[0], cell[2])]), _edges([y for c in cells for y in (c[1], c[3])])
    for top, bottom in pairwise(ys):
        row = [_cell_at((left + right) / 2, (top + bottom) / 2, cells) for left, right in pairwise(xs)]
        if len(row) > 2 and len(set(row)) == 1 and row[0]:
            yield [_cell_text(cells[row[0]])] + [""] * (len(row) - 1)
        else:
            yield from _split_rows([cells[cell] if cell else [] for cell in row])


def _edges(places: list[float]) -> list[float]:
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > 2:
            found.append(place)
    return found


def _cell_at(x: float, y: float, cells: dict[BoxOf, list[Word]]) -> BoxOf | None:
    return next((cell for cell in cells if cell[0] < x < cell[2] and cell[1] < y < cell[3]), None)


def _split_rows(row: list[list[Word]]) -> Iterator[list[str]]:
    """Yield the rows within one of a table that has no lines between rows: as many level lines in each cell."""
    lines = [lines_of(cell) for cell in row]
    counts = [len(cell) for cell in lines if cell]
    if len(counts) < 2 or min(counts) < 3 or len(set(counts)) > 1:
        yield [_cell_text(cell) for cell in row]
        return
    for n in range(counts[0]):
        yield [flat(line_text(cell[n])) if cell else "" for cell in lines]


def _cell_text(words: list[Word]) -> str:
    return flat(join_lines(flat(line_text(line)) for line in lines_of(words)))
