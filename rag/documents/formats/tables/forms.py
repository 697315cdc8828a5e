"""Tables that are no list of records below a header: data sheets, forms, tables on their side, and page layout."""

from __future__ import annotations

from collections.abc import Sequence

from rag.documents.formats.tables.cell_kinds import Kind, cell_kind, common_kind, is_period
from rag.documents.formats.tables.header import OF_ROWS, is_known_name, sheet_score
from rag.documents.formats.tables.row import SAMPLE, Row

MOSTLY = 0.6
SURELY = 0.8
SELDOM = 0.35


def is_layout(rows: list[Row]) -> bool:
    """Return whether rows only place texts on a page: they have one column, or are one or two rows of prose."""
    if len(rows[0].cells) == 1:
        return True
    cells = [cell for row in rows[:3] for cell in row.cells if cell]
    prose = sum(cell_kind(cell).kind is Kind.PROSE for cell in cells)
    short = sum(cell_kind(row.cells[0]).kind is not Kind.PROSE for row in rows[:3] if len(row.cells) == 2)
    return (
        len(rows) < 3
        and (len(rows[0].cells) != 2 or not short)
        and prose > len(cells) / 2
        or (len(rows) == 1 and len(rows[0].cells) > 2)
    )


def is_sheet(rows: list[Row]) -> bool:
    """Return whether each row is a label and its value, or one of more columns below well-known labels."""
    labels, values = ([row.cells[n] for row in rows[:SAMPLE]] for n in (0, 1))
    kinds = common_kind(labels)[0], common_kind(values)[0]
    if kinds[0] is Kind.PROSE or kinds == (Kind.NUMBER, Kind.NUMBER):
        return False
    return len(rows[0].cells) == 2 or sheet_score(labels, values) >= 1.5


def pairs_of_form(rows: list[Row]) -> list[Row]:
    """Return the labels and values of a form that has two or more of them beside each other; [] for other tables."""
    width = len(rows[0].cells)
    if width < 4 or width % 2:
        return []
    labels = [cell for row in rows for cell in row.cells[::2] if cell]
    values = [cell for row in rows for cell in row.cells[1::2] if cell]
    colons = sum(label.endswith(":") for label in labels) > MOSTLY * len(labels)
    known = sum(map(is_known_name, labels)) > MOSTLY * len(labels)
    if not colons and not (known and len(set(labels)) == len(labels) and not any(v in labels for v in values)):
        return []
    pairs = (Row(row.cells[n : n + 2], row.page) for row in rows for n in range(0, width, 2))
    return [pair for pair in pairs if pair.filled]


def turned(names: tuple[str, ...], rows: list[Row]) -> tuple[tuple[str, ...], list[Row]] | None:
    """Return columns and rows of a table whose columns are the records; None where the rows are them.

    It is one where all cells of a row are alike, those of a column are not, the first row names the records, and the
    first column holds names that columns often have.
    """
    grid = [list(names)] * bool(names) + [row.cells for row in rows]
    if len(grid) < 3 or len(grid) > SAMPLE or len(grid[0]) < 3 or not all(row[0] for row in grid):
        return None
    corner, *records = grid[0]
    said = [row[0] for row in grid[1:]]
    if (
        not _are_names(records, numbers=is_known_name(corner))
        or any(map(is_known_name, records))
        or not _are_names([corner, *said])
        or sum(map(is_known_name, said)) < MOSTLY * len(said)
        or OF_ROWS.match(corner)
    ):
        return None
    across = [row[1:] for row in grid[1:]]
    down = [list(cells) for cells in zip(*across, strict=True)]
    if _alike(across) < SURELY or _alike(down) > SELDOM:
        return None
    columns = [list(cells) for cells in zip(*grid, strict=True)]
    return tuple(name.rstrip(": ") for name in columns[0]), [Row(cells, rows[0].page) for cells in columns[1:]]


def _are_names(cells: list[str], numbers: bool = False) -> bool:
    """Return whether cells name records or what is said of them. numbers: whole numbers can, too."""
    kinds = (Kind.WORDS, Kind.CODE)
    names = (cell_kind(cell).kind in kinds or (numbers and cell.isdecimal()) for cell in cells)
    return len(set(cells)) == len(cells) and all(names) and not any(map(is_period, cells))


def _alike(lines: Sequence[list[str]]) -> float:
    """Return the share of rows or columns whose cells are of one kind and unit."""
    found = [common_kind(cells) for cells in lines]
    kinds = [[cell_kind(cell).kind for cell in cells if cell] for cells in lines]
    alike = [
        unit and kind is not Kind.GAP and own.count(kind) > SURELY * len(own)
        for (kind, unit), own in zip(found, kinds, strict=True)
    ]
    return sum(alike) / len(alike)
