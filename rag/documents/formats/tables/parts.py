"""Tables that stand in one grid of rows: below each other after an empty row, or beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rag.documents.formats.tables.cell_kinds import TYPED, Kind, cell_kind, common_kind
from rag.documents.formats.tables.row import SAMPLE, Row, is_note, typical_width
from rag.documents.formats.tables.shape import Shape, table_shape


def tables_in(rows: list[Row], header: int | None) -> Iterator[Shape]:
    """Yield the tables of a grid.

    header: how many rows at its top name columns, where the format says so; then the grid is one table.
    """
    if header is not None:
        filled = [row for row in rows if row.filled]
        columns = sorted({n for row in filled for n, cell in enumerate(row.cells) if cell})
        yield table_shape(_columns(filled, columns), header)
        return
    for part in _beside_each_other(rows):
        yield from _below_each_other(part)


def _below_each_other(rows: list[Row]) -> Iterator[Shape]:
    """Yield tables that empty rows part; rows that go on with the table before them stay with it."""
    shape, lines, columns = Shape([], (), []), list[Row](), list[int]()
    for part in _parts(rows):
        filled = sorted({n for row in part for n, cell in enumerate(row.cells) if cell})
        if set(filled) <= set(columns) and not lines and _goes_on(shape, more := _columns(part, columns)):
            shape.body.extend(row for row in more if tuple(row.cells) != shape.names)
        elif typical_width(part) < 2 and len(rows[0].cells) > 1:
            lines += part
        else:
            yield shape
            shape, columns = table_shape(_columns(part, filled)), filled
            shape, lines = shape._replace(before=lines + shape.before), []
    yield shape
    yield Shape(lines, (), [])


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    """Yield runs of rows that are not empty; a header that an empty row parts from its table stays with it."""
    above: list[Row] = []
    for empty, group in groupby(rows, key=lambda row: row.filled == 0):
        part = list(group)
        if empty:
            continue
        if above and not table_shape([*above, *part]).names:
            yield above
            above = []
        above, part = [], [*above, *part]
        if len(part) == 1 and part[-1].filled > 1:
            above = part
        else:
            yield part
    if above:
        yield above


def _columns(rows: list[Row], columns: list[int]) -> list[Row]:
    return [Row([row.cells[n] for n in columns], row.page) for row in rows]


def _goes_on(shape: Shape, rows: list[Row]) -> bool:
    """Return whether rows after a gap belong to the table above: they hold what its columns hold, and no header."""
    if not shape.names or not shape.body or typical_width(rows) < 2 or is_note(rows[0]):
        return False
    first = rows[0].cells
    if tuple(first) == shape.names:
        return True
    columns = zip(*(row.cells for row in shape.body[:SAMPLE]), strict=True)
    kinds = [common_kind(list(cells))[0] for cells in columns]
    typed = [(kind, cell_kind(cell).kind) for kind, cell in zip(kinds, first, strict=True) if kind in TYPED]
    if typed:
        return sum(own in (kind, Kind.GAP) for kind, own in typed) > len(typed) / 2 and rows[0].filled > 1
    return not table_shape(rows).names


def _beside_each_other(rows: list[Row]) -> list[list[Row]]:
    """Return tables that an empty column parts, if they are not one: their rows end apart, or names come twice."""
    filled = [any(cells) for cells in zip(*(row.cells for row in rows), strict=True)]
    sides = [[n for n, _ in group] for key, group in groupby(enumerate(filled), key=lambda pair: pair[1]) if key]
    if len(sides) < 2 or any(len(side) < 2 for side in sides) or not _are_apart(rows, sides):
        return [rows]
    return [_columns(rows, side) for side in sides]


def _are_apart(rows: list[Row], sides: list[list[int]]) -> bool:
    counts = [[sum(bool(row.cells[n]) for n in side) for side in sides] for row in rows]
    wide = [(row, count) for row, count in zip(rows, counts, strict=True) if max(count) > 1]
    if not wide:
        return False
    names = [[wide[0][0].cells[n] for n in side] for side in sides]
    if any(set(filter(None, names[0])) & set(side) for side in names[1:]):
        return True
    whole = [all(count) for _, count in wide]
    return True in whole and False in whole and whole == sorted(whole, reverse=True)
