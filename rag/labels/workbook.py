"""Labels in an Excel workbook."""

from __future__ import annotations

import datetime
import io
from typing import Any

from rag.documents.formats.file_signature import check_signature
from rag.documents.formats.limits import DEFAULTS
from rag.labels.rows import FileRows, NumberedCells, find_head, rows_below

LARGEST_EXACT = 1e15  # a float below it that is whole is shown without ".0"


def read_workbook(data: bytes) -> FileRows | None:
    """Return the rows of the first sheet that has a head, None where none has one.

    Raises DocumentError where the file is damaged, encrypted, or no workbook.
    """
    import openpyxl

    check_signature(".xlsx", data, DEFAULTS)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # the size that a file declares is often wrong
        rows = [
            NumberedCells(number, [_shown(value) for value in values])
            for number, values in enumerate(sheet.iter_rows(values_only=True), 1)
        ]
        head = find_head(rows)
        if head is not None:
            found = rows_below(rows, head, "")
            others = [other.title for other in book.worksheets if other is not sheet]
            notes = (f"of its sheets only {sheet.title!r} is read, not {', '.join(others)}",) if others else ()
            return FileRows(found.rows, (*notes, *found.notes))
    return None


def _shown(value: Any) -> str:
    """Return a cell's value as text."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT:
        return str(int(value))
    return str(value)
