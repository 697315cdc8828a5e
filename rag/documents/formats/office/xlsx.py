"""Excel workbooks: cells as people see them, in the tables that they make up, and what stands beside them."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import DEFAULTS, require_pages
from rag.documents.formats.base.sections import Block, Parsed, assemble, counted

if TYPE_CHECKING:
    from rag.documents.formats.office.xlsx_sheet import Cells, Rows

LEFT_OUT = "left out (documents.hidden)"


def parse_xlsx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each row as `column: value; column: value`, values in their number formats; a sheet's name is its heading.

    Formulas give the value that was saved with them. Hidden sheets, rows and columns are left out and named, unless
    the settings say otherwise.
    """
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    require_pages(len(book.worksheets), "sheets", settings)
    blocks: list[Block] = []
    unread = [f"sheet {sheet.title!r}: a chart alone" for sheet in book.chartsheets]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible" and not settings.hidden:
                unread.append(f"sheet {sheet.title!r}: hidden, {LEFT_OUT}")
                continue
            not_read: Counter[str] = Counter()
            found = list(_sheet_blocks(sheet, archive, settings, not_read))
            blocks += [Block(sheet.title, 1), *found] if found else []
            unread += [f"sheet {sheet.title!r}: {line}" for line in counted(not_read)]
    return assemble(blocks, "\n")._replace(unread=tuple(unread))


def _sheet_blocks(
    sheet: Any, archive: zipfile.ZipFile, settings: DocumentSettings, not_read: Counter[str]
) -> Iterator[Block]:
    """Yield what a visible sheet shows. not_read: gets what can't be read, or is left out."""
    from rag.documents.formats.office.xlsx_parts import SheetParts
    from rag.documents.formats.office.xlsx_sheet import read_cells
    from rag.documents.formats.office.xlsx_tables import blocks_of_cells

    with archive.open(sheet._worksheet_path) as source:
        cells = read_cells(sheet, source, settings.max_characters)
    not_read["formula without a saved value: open it in Excel and save it"] = cells.gaps
    if settings.hidden:
        cells.hidden_rows, cells.hidden_columns = [], []
    _leave_out_hidden(cells, not_read)
    parts = SheetParts(archive, sheet._worksheet_path)
    yield from blocks_of_cells(cells, parts.tables(cells.tables))
    yield from (Block(text) for text in parts.drawn(not_read))
    comments = list(parts.comments())
    if settings.comments:
        yield from (_comment(cells.rows, *comment) for comment in comments)
    else:
        not_read["comment: left out (documents.comments)"] = len(comments)


def _leave_out_hidden(cells: Cells, not_read: Counter[str]) -> None:
    rows, columns = cells.hidden_rows, cells.hidden_columns
    not_read[f"hidden row: {LEFT_OUT}"] = sum(number in cells.rows for number in rows)
    hidden = set(rows)
    shown = [row for number, row in cells.rows.items() if number not in hidden]
    not_read[f"hidden column: {LEFT_OUT}"] = sum(any(column in row for row in shown) for column in columns)
    for number in rows:
        cells.rows.pop(number, None)
    for row in shown:
        for column in columns:
            row.pop(column, None)


def _comment(rows: Rows, cell: str, author: str, text: str) -> Block:
    from openpyxl.utils.cell import coordinate_to_tuple

    number, column = coordinate_to_tuple(cell)
    row = rows.get(number, {})
    about = dict.fromkeys(filter(None, (next(iter(row.values()), ""), row.get(column, ""))))
    place = f"{cell}: {'; '.join(about)}" if about else cell
    return Block(f"Comment{f' by {author}' if author else ''} on {place}: {text}")
