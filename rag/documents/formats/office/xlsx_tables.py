"""The tables that the cells of a sheet make up, and the texts beside them."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, takewhile

from rag.documents.formats.base.sections import Block
from rag.documents.formats.office.xlsx_sheet import Area, Cells, Rows
from rag.documents.formats.tables.rows import table_blocks

LONGEST_NAME = 40  # characters of a column's name


def blocks_of_cells(cells: Cells, defined: list[tuple[Area, int]]) -> Iterator[Block]:
    """Yield the defined tables, each with its own header, and between them what else stands on the sheet.

    cells: without hidden ones. defined: each table's area, in order, and how many rows at its top name the columns.
    """
    rest = {number: dict(row) for number, row in cells.rows.items()}
    asides = _take_asides(rest)
    inside = [_taken(rest, area) for area, _ in defined]
    for (area, header), table in zip(defined, inside, strict=True):
        above = {number: rest.pop(number) for number in list(rest) if number < area.top}
        yield from _plain_tables(above, cells)
        has_header = header if table.get(area.top) else 0  # its row may be hidden
        yield from table_blocks(_grid(table, cells), header=has_header)
    yield from _plain_tables(rest, cells)
    yield from map(Block, asides)


def _plain_tables(rows: Rows, cells: Cells) -> list[Block]:
    """Return the tables that rows make up; where they are one, bold or shaded rows at its top are its header."""
    rows = {number: row for number, row in rows.items() if row}
    grid, header = _grid(rows, cells), _marked_rows(list(rows), cells)
    used = {column for row in rows.values() for column in row}
    together = header and [] not in grid and len(grid[0]) == len(used)
    names = any(len(rows[number]) > 1 for number in list(rows)[:header])
    return table_blocks(grid, header=header if together and names else None)


def _marked_rows(numbers: list[int], cells: Cells) -> int:
    """Return how many rows at the top are marked; 0 where all are, which marks nothing."""
    marks = cells.bold if numbers and numbers[0] in cells.bold else cells.shaded
    marked = len(list(takewhile(marks.__contains__, numbers)))
    return marked if marked < len(numbers) else 0


def _taken(rest: Rows, area: Area) -> Rows:
    """Remove the cells of an area, and return them."""
    columns = range(area.left, area.right + 1)
    rows = {number: row for number, row in rest.items() if area.top <= number <= area.bottom}
    return {number: {column: row.pop(column) for column in columns if column in row} for number, row in rows.items()}


def _take_asides(rows: Rows) -> list[str]:
    """Remove texts in the first row of a table that have a column for themselves, and return them: they name none."""
    columns = Counter(column for row in rows.values() for column in row)
    taken = []
    for number, row in rows.items():
        alone = [c for c in row if columns[c] == 1 and len(row[c]) > LONGEST_NAME]
        if number - 1 not in rows and number + 1 in rows and len(alone) < len(row):
            taken += [row.pop(column) for column in alone]
    return taken


def _grid(rows: Rows, cells: Cells) -> list[list[str]]:
    """Return the rows as lists of one length; empty rows and columns between others stand as one."""
    filled = {number: row for number, row in rows.items() if row}
    columns = _closed_up(sorted({column for row in filled.values() for column in row}), cells.hidden_columns)
    lines = _closed_up(list(filled), cells.hidden_rows)
    grid: list[list[str]] = [[] for _ in range(max(lines.values(), default=-1) + 1)]
    width = max(columns.values(), default=-1) + 1
    for number, row in filled.items():
        grid[lines[number]] = [""] * width
        for column, text in row.items():
            grid[lines[number]][columns[column]] = text
    return grid


def _closed_up(numbers: list[int], hidden: list[int]) -> dict[int, int]:
    """Return the place of each of these ascending numbers, counted from 0, with one place for what lies between.

    hidden: numbers of which nothing is seen, also ascending; they lie between nothing.
    """
    places: dict[int, int] = {}
    place = -1
    for before, number in pairwise([numbers[0] - 1, *numbers] if numbers else []):
        between = number - before - 1 - (bisect(hidden, number) - bisect(hidden, before))
        place += 2 if between > 0 else 1
        places[number] = place
    return places
