"""The table cell: a span of text with the row and the column that it stands in."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TableCell:
    """The value of one cell of a table, as it stands in a text.

    start, end: its characters, without the column's name. row: the row's number, which no other row of the document
    has. row_name: what names the row, mostly the text of its first cell; "" where nothing does. column: what names
    the column; "" where the table has no header.
    """

    start: int
    end: int
    row: int
    row_name: str
    column: str

    def shifted(self, by: int, rows: int = 0) -> TableCell:
        """Return the cell of a text that has `by` more characters, and so many more rows, before it."""
        return TableCell(self.start + by, self.end + by, self.row + rows, self.row_name, self.column)

    def within(self, start: int, end: int) -> TableCell | None:
        """Return the part of the cell that lies in text[start:end], counted from there; None if no part does."""
        first, last = max(self.start, start), min(self.end, end)
        return replace(self, start=first - start, end=last - start) if first < last else None
