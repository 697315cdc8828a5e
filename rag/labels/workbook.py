"""Labels in an Excel workbook."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from rag.documents.formats.base.limits import DEFAULTS
from rag.documents.formats.file_signature import check_signature
from rag.labels.rows import FileRows, NumberedCells, find_head, rows_below

if TYPE_CHECKING:
    from rag.documents.formats.office.xlsx_sheet import Cells

NO_VALUE = "formulas without a saved value, read as empty: open the file in Excel and save it"


def read_workbook(data: bytes) -> FileRows | None:
    """Return the rows of the first sheet that has a head, cells as people see them, None where no sheet has one.

    Raises DocumentError where the file is damaged, encrypted, or no workbook.
    """
    import openpyxl

    from rag.documents.formats.office.xlsx_sheet import read_cells

    check_signature(".xlsx", data, DEFAULTS)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for sheet in book.worksheets:
            with archive.open(sheet._worksheet_path) as source:
                cells = read_cells(sheet, source, DEFAULTS.max_characters)
            found = _rows(cells)
            if found is not None:
                others = [other.title for other in book.worksheets if other is not sheet]
                notes = [f"of its sheets only {sheet.title!r} is read, not {', '.join(others)}"] if others else []
                notes += [f"{cells.gaps} {NO_VALUE}"] if cells.gaps else []
                return FileRows(found.rows, (*notes, *found.notes))
    return None


def _rows(cells: Cells) -> FileRows | None:
    width = max((max(row) for row in cells.rows.values()), default=0)
    columns = range(1, width + 1)
    rows = [NumberedCells(n, [row.get(column, "") for column in columns]) for n, row in sorted(cells.rows.items())]
    head = find_head(rows)
    return None if head is None else rows_below(rows, head, "")
