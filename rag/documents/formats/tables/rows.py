"""Tables: each row as one line, `column: value; column: value`, so that it makes sense alone, with its cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from rag.core.table_cell import TableCell
from rag.documents.formats.base.limits import progress
from rag.documents.formats.base.sections import Block
from rag.documents.formats.tables.cell_kinds import Kind, cell_kind
from rag.documents.formats.tables.forms import is_layout, is_sheet, pairs_of_form, turned
from rag.documents.formats.tables.groups import filled_down, names_group, with_groups
from rag.documents.formats.tables.parts import tables_in
from rag.documents.formats.tables.row import NOTE, Row, is_note
from rag.documents.formats.tables.row_names import row_names
from rag.documents.formats.tables.shape import Shape

LONGEST_CAPTION = 120  # characters
EMPTY = "Columns without a value: "


def table_blocks(
    rows: list[list[str]],
    page: int | None | Sequence[int | None] = None,
    header: int | None = None,
    caption: str = "",
) -> list[Block]:
    """Return each row of a table as a block, with the names of its columns, and lines above and below it as text.

    A table without a header has rows of values alone, or of a label and its value. Rows that come again as the header
    are left out. An empty row may part two tables.

    rows: the texts of the cells, each on one line; a cell that spans columns or rows stands in each of them, save one
    that spans the whole width, which stands in the first. page: of all rows, or of each. header: how many rows at the
    top name the columns (True for one, 0 for none), where the format says so; None to tell it from the cells. caption:
    the table's title, where the format has one; without it a line above is taken.
    """
    width = max(map(len, rows), default=0)
    pages = page if isinstance(page, Sequence) else [page] * len(rows)
    grid = [Row(row + [""] * (width - len(row)), at) for row, at in zip(rows, pages, strict=True)]
    blocks: list[Block] = []
    title = ""
    for shape in tables_in(grid, header):
        title = caption or (_caption(shape.before) if shape.body else "") or title
        found = [*(Block(row.line, 0, row.page) for row in shape.before), *_table(shape, header is not None)]
        blocks += [
            replace(block, caption=title) if title and not block.caption else block for block in found if block.text
        ]
    return blocks


def row_texts(rows: list[list[str]]) -> list[str]:
    """Return the text of each row of a table."""
    return [block.text for block in table_blocks(rows)]


def _caption(lines: list[Row]) -> str:
    """Return the first of the lines above a table if it can be its title."""
    text = lines[0].line if lines else ""
    fits = len(text) <= LONGEST_CAPTION and cell_kind(text).kind in (Kind.WORDS, Kind.PROSE)
    return text if fits and not NOTE.match(text) else ""


def _table(shape: Shape, marked: bool) -> Iterator[Block]:
    before, names, body = shape
    if not body or (not names and is_layout(body)):
        yield from (Block(text, 0, row.page) for row in body for text in _texts(row))
    elif not names and (pairs := pairs_of_form(body)):
        yield from _sheet(pairs)
    elif not names and is_sheet(body):
        parts = bool(before) and any(map(names_group, body))
        yield from _sheet(body, before[-1].line if parts else "")
    else:
        names, body = (not marked and turned(names, body)) or (names, body)
        names, body = with_groups(names, body)
        yield from _records(names, filled_down(names, body))


def _texts(row: Row) -> list[str]:
    """Return a row without a header as one text, or as the texts of its cells where they are prose."""
    prose = any(cell_kind(cell).kind is Kind.PROSE for cell in row.cells)
    return row.cells if prose else ["; ".join(filter(None, row.cells))]


def _sheet(rows: list[Row], part: str = "") -> Iterator[Block]:
    """Yield the rows of a data sheet, each a label and its values, of which the label is no cell.

    part: the name of the sheet's first part, "" where it has no parts; then each label without a value names a part.
    """
    for row in rows:
        label = row.cells[0].rstrip(": ")
        if label and row.filled > 1 and not is_note(row):
            values = [("", value) for value in row.cells[1:]]
            yield replace(_row_block(values, label, f"{label}: ", row.page), caption=part)
        else:
            part = label if part and names_group(row) else part
            yield Block(row.line, 0, row.page, caption=part)


def _records(names: tuple[str, ...], rows: list[Row]) -> Iterator[Block]:
    """Yield rows that have a value in each column, between them notes, and the names of columns without a value."""
    called = iter(row_names(names, [row.cells for row in rows if not is_note(row)]))
    for row in rows:
        progress()
        if is_note(row):
            yield Block(row.line, 0, row.page)
        else:
            yield _row_block(zip_longest(names, row.cells, fillvalue=""), next(called), "", row.page)
    used = {n for row in rows for n, cell in enumerate(row.cells) if cell}
    if empty := [name for n, name in enumerate(names) if name and n not in used]:
        yield Block(f"{EMPTY}{'; '.join(empty)}", 0, rows[-1].page)


def _row_block(cells: Iterable[tuple[str, str]], name: str, start_with: str, page: int | None) -> Block:
    """Return a row as a block. cells: column and value of each."""
    parts: list[str] = []
    found: list[TableCell] = []
    end = len(start_with)
    for column, value in cells:
        if value:
            label = f"{column}: " if column else ""
            start = end + (2 if parts else 0) + len(label)
            end = start + len(value)
            parts.append(label + value)
            found.append(TableCell(start, end, 0, name, column))
    return Block(start_with + "; ".join(parts), 0, page, tuple(found))
