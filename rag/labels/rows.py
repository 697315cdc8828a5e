"""Rows of a file of labels, as they stand in it: a number, and cells by the name of their column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag.core.errors import DataError
from rag.labels.columns import is_head, plain_name, role_of

HEAD_WITHIN = 20  # rows from the top among which the row of column names is looked for
MORE_CELLS = "has more cells than the head"


@dataclass(frozen=True)
class Row:
    """A row of a file.

    number: from 1, the head and empty rows among them, as a spreadsheet counts; in JSON that of the line or item.
    cells: by column name. fault: why it can't be used, "" where it can. detail: what is wrong there, and what mends it.
    """

    number: int
    cells: dict[str, Any]
    fault: str = ""
    detail: str = ""


@dataclass(frozen=True)
class FileRows:
    """The rows of a file. notes: what its reader should know of how they were read."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberedCells:
    """The cells of one row of a table; its fault and detail are those of a `Row`."""

    number: int
    cells: Sequence[Any]
    fault: str = ""
    detail: str = ""


def find_head(rows: Sequence[NumberedCells]) -> int | None:
    """Return the position of the first row that names a column of questions and one of answers, None without one."""
    return next((n for n, row in enumerate(rows[:HEAD_WITHIN]) if not row.fault and is_head(row.cells)), None)


def rows_below(rows: Sequence[NumberedCells], head: int, separator: str) -> FileRows:
    """Return the rows below the head, each cell under the name of its column; empty rows are left out.

    separator: what stands between two cells, in words, "" for a spreadsheet. Raises DataError where two columns that
    matter have one name.
    """
    names = [str(cell if cell is not None else "").strip() for cell in rows[head].cells]
    while not names[-1]:
        names.pop()  # what stands below no name has no column: it may be the rest of an answer
    _require_single(names, rows[head].number)
    found = [_under(names, row, separator) for row in rows[head + 1 :] if row.fault or any(map(is_filled, row.cells))]
    above = [str(row.number) for row in rows[:head] if any(map(is_filled, row.cells))]
    return FileRows(found, (f"not read, since they stand above the head: rows {', '.join(above)}",) if above else ())


def _require_single(names: list[str], number: int) -> None:
    counts = Counter(plain_name(name) for name in names if role_of(name))
    twice = next((name for name in names if counts[plain_name(name)] > 1), None)
    if twice is not None:
        raise DataError(f"two columns are called {twice!r}: rename the one that is not meant, in row {number}")


def _under(names: list[str], row: NumberedCells, separator: str) -> Row:
    cells = list(row.cells)
    while len(cells) > len(names) and not is_filled(cells[-1]):
        cells.pop()  # spreadsheets write empty cells at the end
    if row.fault:
        return Row(row.number, {"cells": cells}, row.fault, row.detail)
    if len(cells) > len(names):
        mend = f"put quotation marks around a cell that has {separator} in it" if separator else "name every column"
        return too_long(row.number, cells, len(names), mend)
    return Row(row.number, dict(zip(names, cells, strict=False)))


def too_long(number: int, cells: Sequence[Any], width: int, mend: str) -> Row:
    """Return a row that has more cells than the head has names."""
    return Row(number, {"cells": list(cells)}, MORE_CELLS, f"{len(cells)} instead of {width}: {mend}")


def is_filled(cell: object) -> bool:
    """Return whether a cell has anything in it."""
    return cell is not None and str(cell).strip() != ""
