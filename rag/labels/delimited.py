"""Tables of labels in text: cells between commas, semicolons, tabs or bars, some of them in quotation marks."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence

from rag.labels.rows import HEAD_WITHIN, FileRows, NumberedCells, find_head, rows_below

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
LONGEST_CELL = 10_000_000  # characters; the csv module's own limit would stop at the first cell of 131,072
LONGEST_ROW = 10_000  # lines that one row may span, so that a quotation mark that never closes costs no quadratic time
OPEN_QUOTE = "has quotation marks that do not close"
MEND_QUOTE = 'close each one that opens a cell, and write those within a cell twice ("")'


def read_delimited(text: str) -> FileRows | None:
    """Return the rows below the head, None where no row of the first ones is a head.

    The separator is the one with which a head is found.
    """
    lines = text.split("\n")
    csv.field_size_limit(LONGEST_CELL)
    for separator, words in SEPARATORS.items():
        head = find_head(list(itertools.islice(_cells(lines, separator), HEAD_WITHIN)))
        if head is not None:
            width = len(next(itertools.islice(_cells(lines, separator), head, None)).cells)
            return rows_below(list(_cells(lines, separator, width)), head, words)
    return None


def first_row(text: str) -> tuple[list[str], str]:
    """Return the cells of the first row that has any, and the separator that most of the first rows have."""
    lines = [line for line in text.split("\n") if line.strip()][:HEAD_WITHIN] or [""]
    separator = max(SEPARATORS, key=lambda separator: sum(separator in line for line in lines))
    return [str(cell) for cell in next(_cells(lines, separator)).cells], separator


def _cells(lines: Sequence[str], separator: str, width: int = 0) -> Iterator[NumberedCells]:
    """Yield the cells of each row. After a row whose quotation marks do not close, reading goes on at the next line.

    width: the number of cells in the head, 0 while that is not known.
    """
    start = 0
    for number in itertools.count(1):
        if start >= len(lines):
            return
        # A reader for each row, which takes no line beyond its last
        reader = csv.reader(_from(lines, start), delimiter=separator, strict=True, skipinitialspace=separator != "\t")
        try:
            cells = next(reader, [])
            end = start + reader.line_num
            closed = not _are_rows(lines[start + 1 : end], separator, width)
        except csv.Error:
            closed = False
        if closed:
            yield NumberedCells(number, cells)
            start = end
        else:
            plain = lines[start].split(separator)
            taken = all(map(_is_literal, plain))
            yield (
                NumberedCells(number, plain) if taken else NumberedCells(number, [lines[start]], OPEN_QUOTE, MEND_QUOTE)
            )
            start += 1


def _are_rows(lines: Sequence[str], separator: str, width: int) -> bool:
    """Return whether lines within a quoted cell look like rows that an open quotation mark has swallowed."""
    has_question = any(f"?{separator}" in line for line in lines)
    return width > 0 and has_question and all(line.count(separator) == width - 1 for line in lines)


def _is_literal(cell: str) -> bool:
    """Return whether the quotation marks of a cell are its own, as in `"Ready" lamp?`."""
    marks, cell = cell.count('"'), cell.strip()
    return not marks or (marks % 2 == 0 and not (cell.startswith('"') and cell.endswith('"')))


def _from(lines: Sequence[str], start: int) -> Iterator[str]:
    return (f"{lines[n]}\n" for n in range(start, min(start + LONGEST_ROW, len(lines))))
