"""Tables: each row as one line, `column: value; column: value`, so that it makes sense alone, with its cells."""

from __future__ import annotations

from itertools import zip_longest

from rag.core.table_cell import TableCell
from rag.documents.formats.sections import Block


def table_blocks(rows: list[list[str]], page: int | None = None) -> list[Block]:
    """Return each row of a table as a block, the columns being named by the first row, the rows by their first cell.

    rows: the texts of the cells, each on one line. A cell beyond the named columns stands without a name.
    """
    if len(rows) < 2:
        return [Block("; ".join(filter(None, row)), 0, page) for row in rows]
    return [_row_block(rows[0], row, page) for row in rows[1:]]


def _row_block(columns: list[str], row: list[str], page: int | None) -> Block:
    name = row[0] if row else ""
    parts: list[str] = []
    cells: list[TableCell] = []
    end = 0
    for column, value in zip_longest(columns, row, fillvalue=""):
        if value:
            label = f"{column}: " if column else ""
            start = end + (2 if parts else 0) + len(label)
            end = start + len(value)
            parts.append(label + value)
            cells.append(TableCell(start, end, 0, name, column))
    return Block("; ".join(parts), 0, page, tuple(cells))


def row_texts(rows: list[list[str]]) -> list[str]:
    """Return the text of each row of a table."""
    return [block.text for block in table_blocks(rows)]
