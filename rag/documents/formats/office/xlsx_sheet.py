"""The cells of one sheet of a workbook, as people see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any, NamedTuple

from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.utils import range_boundaries
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet._reader import FORMULA_TAG, VALUE_TAG, WorkSheetParser

from rag.documents.formats.base.limits import progress
from rag.documents.formats.base.sections import flat
from rag.documents.formats.office.number_format import shown_value

TRUE = ("1", "true")
LONGEST_VALUE = 100  # characters of a merged cell that is a value of each row; a longer one is a text beside them


Rows = dict[int, dict[int, str]]  # row number to column number to text, of filled cells, in order


class Area(NamedTuple):
    """A rectangle of cells, its edges within it. Columns and rows count from 1."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, reference: str) -> Area:
        """Return the area of a reference such as B2:D9."""
        return cls(*range_boundaries(reference))


@dataclass
class Cells:
    """What the cells of a sheet show.

    bold, shaded: numbers of rows of which all cells are. hidden_rows, hidden_columns: their numbers, in order.
    gaps: formulas without a saved value. tables: ids of the relationships to the tables that are defined on the sheet.
    """

    rows: Rows = field(default_factory=dict)
    bold: set[int] = field(default_factory=set)
    shaded: set[int] = field(default_factory=set)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    gaps: int = 0
    tables: list[str] = field(default_factory=list)


def read_cells(sheet: Any, source: IO[bytes], longest: int) -> Cells:
    """Read the cells of a sheet, merged ones in each place that they cover; one over the whole width in the first.

    sheet: openpyxl's, opened for reading only, which itself passes over merged and hidden cells. source: the sheet's
    XML. longest: characters after which no more is read.
    """
    parser = _SheetParser(source, sheet._shared_strings, data_only=True, epoch=sheet.parent.epoch)
    cells, characters = Cells(), 0
    for number, row, looks in _shown_rows(sheet, parser):
        cells.rows[number] = row
        cells.bold |= {number} if all(look.bold for look in looks) else set()
        cells.shaded |= {number} if all(look.shaded for look in looks) else set()
        characters += sum(map(len, row.values()))
        if characters > longest:
            break  # too much text, for which the file is refused once all is put together
    cells.gaps = parser.gaps
    cells.tables = [table.id for table in parser.tables.tablePart]
    merged = parser.merged_cells.mergeCell if parser.merged_cells else []
    _fill_merged(cells.rows, [Area.of(each.ref) for each in merged])
    cells.hidden_rows = sorted(int(row) for row, a in parser.row_dimensions.items() if _is_hidden(a, "ht"))
    used = range(1, max((max(row) for row in cells.rows.values()), default=0) + 1)
    spans = [(int(a["min"]), int(a["max"])) for a in parser.column_dimensions.values() if _is_hidden(a, "width")]
    cells.hidden_columns = [column for column in used if any(first <= column <= last for first, last in spans)]
    return cells


class _SheetParser(WorkSheetParser):
    """openpyxl's parser of a sheet's XML, which counts formulas without a saved value. Dates stay numbers."""

    gaps = 0

    def parse_cell(self, element: Any) -> dict[str, Any]:
        if element.find(FORMULA_TAG) is not None and element.get("t") != "str" and not element.findtext(VALUE_TAG):
            self.gaps += 1
        cell: dict[str, Any] = super().parse_cell(element)
        return cell


class _Look(NamedTuple):
    """How the style of a cell shows it. code: the number format."""

    code: str
    bold: bool
    shaded: bool


def _shown_rows(sheet: Any, parser: _SheetParser) -> Iterator[tuple[int, dict[int, str], set[_Look]]]:
    """Yield of each row that is not empty its number, its texts by their columns, and how their cells look."""
    date1904 = sheet.parent.epoch == CALENDAR_MAC_1904

    @cache
    def look(style: int) -> _Look:
        cell = ReadOnlyCell(sheet, 1, 1, None, style_id=style)
        return _Look(cell.number_format or "", bool(cell.font.b), cell.fill.fill_type == "solid")

    for number, row in parser.parse():
        progress()
        shown = [(c["column"], flat(shown_value(c["value"], look(c["style_id"]).code, date1904))) for c in row]
        if filled := {column: text for column, text in shown if text}:
            yield number, filled, {look(c["style_id"]) for c in row if c["column"] in filled}


def _is_hidden(attributes: dict[str, str], size: str) -> bool:
    return attributes.get("hidden") in TRUE or attributes.get(size) in ("0", "0.0")


def _fill_merged(rows: Rows, merged: list[Area]) -> None:
    """Put the text of each merged area into its other cells, in rows that have something else too."""
    left = min((min(row) for row in rows.values()), default=1)
    right = max((max(row) for row in rows.values()), default=1)
    bottom = max(rows, default=0)
    for area in merged:
        text = rows.get(area.top, {}).get(area.left, "")
        if not text or len(text) > LONGEST_VALUE:
            continue
        whole = area.left <= left and area.right >= right
        columns = [area.left] if whole else range(area.left, min(area.right, right) + 1)
        for number in range(area.top, min(area.bottom, bottom) + 1):
            if number in rows:
                rows[number].update(dict.fromkeys(columns, text))
