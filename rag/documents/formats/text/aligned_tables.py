"""Tables of plain text whose columns are aligned by spaces or parted by tabs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.documents.formats.base.sections import flat
from rag.documents.formats.tables.cell_kinds import TYPED, Kind, cell_kind, common_kind
from rag.documents.formats.tables.header import sheet_score
from rag.documents.formats.tables.row import SAMPLE
from rag.documents.formats.tables.rows import table_blocks
from rag.documents.formats.text.drawn_grids import Line
from rag.documents.formats.text.text_tables import DrawnTable

FEWEST_ROWS = 3
LONGEST_CELL = 40  # characters of cells on average
FILLED = 0.8  # of the cells, and all of the first column
KNOWN_SHEET = 1.5  # the score of a data sheet whose labels are well known, or end with colons
TITLE_LINES = 2  # that may stand directly above a table, or below it
RULE = re.compile(r"\s*[-=]{2,}(?:\s+[-=]{2,})+\s*")  # a line below each column's name
GAP = re.compile(r" {2,}")


def aligned_tables(text: str, lines: list[Line]) -> list[DrawnTable]:
    """Return the tables in a text that are surely some: three rows and more, short cells, and numbers among them."""
    found: list[DrawnTable] = []
    for block in _paragraphs(lines):
        parts = ((first, last, *_rows(block[first:last])) for first, last in _within(block))
        tables = [part for part in parts if part[2] and _is_table(part[2], part[3])]
        if tables:
            first, last, rows, header = max(tables, key=lambda part: len(part[2][0]))
            start, end = block[first].start, min(block[last - 1].after, len(text))
            found.append(DrawnTable(start, end, table_blocks(rows, header=header)))
    return found


def _paragraphs(lines: list[Line]) -> Iterator[list[Line]]:
    """Yield runs of lines that may be tables: each with a tab or wide gap, so that prose costs nothing."""
    block: list[Line] = []
    for line in [*lines, Line.at("", 0)]:
        if line.strip():
            block.append(line)
        elif block:
            if sum("\t" in each.strip() or GAP.search(each.strip()) is not None for each in block) >= FEWEST_ROWS:
                yield block
            block = []


def _within(block: list[Line]) -> Iterator[tuple[int, int]]:
    """Yield the parts of a block of lines that may be the table, the largest first.

    A title may stand directly above a table, and a note below it.
    """
    for left_out in range(2 * TITLE_LINES + 1):
        for first in range(min(left_out, TITLE_LINES) + 1):
            last = len(block) - (left_out - first)
            if left_out - first <= TITLE_LINES and last - first >= FEWEST_ROWS:
                yield first, last


def _rows(lines: list[Line]) -> tuple[list[list[str]], int | None]:
    """Return the cells of each line, and how many rows are the header; no rows where the lines are no table."""
    if sum("\t" in line.strip() for line in lines) == len(lines):
        rows = [[flat(cell) for cell in re.split(r"\t+", line.strip())] for line in lines]
        return (rows, None) if len({len(row) for row in rows}) == 1 else ([], None)
    expanded = [line.expandtabs() for line in lines]
    ruled = [n for n, line in enumerate(expanded) if RULE.fullmatch(line)]
    drawn = [line for n, line in enumerate(expanded) if n not in ruled]
    gaps = _gaps(drawn)
    if not gaps:
        return [], None
    edges = [0, *gaps, max(map(len, drawn))]
    rows = [[flat(line[a:b]) for a, b in zip(edges, edges[1:], strict=False)] for line in drawn]
    return rows, 1 if ruled == [1] else None


def _gaps(lines: list[str]) -> list[int]:
    """Return where each column after the first begins: behind two spaces and more that all lines have there."""
    width = max(map(len, lines))
    blank = bytearray(b"\1" * width)
    for line in lines:
        for match in re.finditer(r"\S+", line):
            blank[match.start() : match.end()] = bytes(match.end() - match.start())
    runs = [match.span() for match in re.finditer(rb"\x01{2,}", bytes(blank))]
    return [end for start, end in runs if start and end < width]


def _is_table(rows: list[list[str]], header: int | None) -> bool:
    """Return whether rows can be nothing else than those of a table."""
    cells = [cell for row in rows for cell in row]
    filled = [cell for cell in cells if cell]
    if len(rows) < FEWEST_ROWS or not all(row[0] for row in rows) or len(filled) < FILLED * len(cells):
        return False
    if sum(map(len, filled)) > LONGEST_CELL * len(filled) or any(cell_kind(cell).kind is Kind.PROSE for cell in filled):
        return False
    columns = list(zip(*rows[1 : 1 + SAMPLE], strict=True))
    if header or any(common_kind(list(column))[0] in TYPED for column in columns[1:]):
        return True
    labels, values = ([row[n] for row in rows[:SAMPLE]] for n in (0, 1))
    return len(rows[0]) == 2 and sheet_score(labels, values) >= KNOWN_SHEET
