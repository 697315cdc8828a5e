"""A table of a PDF page: its rows, what of it goes on over the next page, and how one without lines is cut."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.documents.formats.base.sections import Block, flat
from rag.documents.formats.pdf.hyphens import join_lines
from rag.documents.formats.pdf.row_bands import cuts_between_rows, lines_in_rows
from rag.documents.formats.pdf.words import Word, line_text
from rag.documents.formats.tables.rows import table_blocks

BoxOf = tuple[float, float, float, float]  # left, top, right, bottom
LONG_TEXT = 30  # characters of a cell, which names nothing
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
    ruled: bool = True

    def blocks(self, caption: str = "") -> list[Block]:
        """Return the rows as blocks, each on its page. caption: the table's title, from a line above it."""
        return table_blocks([list(row) for row in self.rows], self.pages, caption=caption)

    def goes_on_in(self, other: PdfTable) -> bool:
        """Return whether a table on the next page has the same columns, and so is the rest of this one."""
        edges = [abs(self.x0 - other.x0) <= SAME_EDGE, abs(self.x1 - other.x1) <= SAME_EDGE]
        alike = all(edges) if self.ruled and other.ruled else any(edges)  # without lines the texts are the edges
        return len(self.rows[0]) == len(other.rows[0]) and alike

    def joined(self, other: PdfTable) -> PdfTable:
        """Return this table with the rows of the next page, less a header repeated there; a row split is one again."""
        repeated = 0
        while repeated < min(len(self.rows), len(other.rows)) and self.rows[repeated] == other.rows[repeated]:
            repeated += 1
        rows, more, pages = self.rows, other.rows[repeated:], other.pages[repeated:]
        if more and _was_split(rows[-1], more[0]):
            whole = tuple(join_lines(filter(None, both)) for both in zip(rows[-1], more[0], strict=True))
            rows, more, pages = (*rows[:-1], whole), more[1:], pages[1:]
        return replace(self, rows=rows + more, pages=self.pages + pages)


def open_table(words: list[Word], strips: tuple[float, ...], page: int) -> PdfTable:
    """Return a table without lines. strips: where its columns are parted, in points from the left."""
    box = min(w.x0 for w in words), min(w.top for w in words), max(w.x1 for w in words), max(w.bottom for w in words)
    return replace(table_of(box, open_rows(words, strips), page), ruled=False)


def open_rows(words: list[Word], strips: tuple[float, ...]) -> list[list[str]]:
    """Return the rows that lines of words make, in columns parted at `strips`; a cell may take several lines."""
    columns = [[word for word in words if bisect(strips, word.x0) == n] for n in range(len(strips) + 1)]
    cuts = cuts_between_rows(columns)
    rows: list[list[str]] = []
    for lines in lines_in_rows(words, cuts):
        row = [_cell(lines, strips, n) for n in range(len(columns))]
        if rows and not cuts and _is_rest(row, rows[-1]):
            rows[-1] = [join_lines(filter(None, both)) for both in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows


def _cell(lines: list[list[Word]], strips: tuple[float, ...], column: int) -> str:
    inside = ([word for word in line if bisect(strips, word.x0) == column] for line in lines)
    return flat(join_lines(flat(line_text(line)) for line in inside if line))


def table_of(box: BoxOf, rows: list[list[str]], page: int) -> PdfTable:
    """Return a table of one page, without empty rows."""
    kept = tuple(tuple(row) for row in rows if any(row))
    return PdfTable(*box, kept, (page,) * len(kept))


def _was_split(row: Sequence[str], rest: Sequence[str]) -> bool:
    """Return whether the end of a page splits a row: below it are only cells that go on amid a sentence."""
    pairs = [(above, below) for above, below in zip(row, rest, strict=True) if below]
    amid = (above and (below[0].islower() or _breaks_off(above)) for above, below in pairs)
    return not rest[0] and all(amid)


def _breaks_off(text: str) -> bool:
    """Return whether a text is longer than a name and ends without a full stop or the like."""
    return len(text) > LONG_TEXT and text[-1] not in ".!?:;"


def _is_rest(row: list[str], above: list[str]) -> bool:
    """Return whether a line of a table goes on with the cells above: fewer cells, in mid-sentence or with no name."""
    filled = [n for n, text in enumerate(row) if text]
    if len(filled) >= sum(map(bool, above)) or not all(above[n] for n in filled):
        return False
    return all(row[n][0].islower() for n in filled) or (not row[0] and all(row[n][0].isalpha() for n in filled))
