"""One row of a table: its cells, and whether it is a row of data at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from statistics import median
from typing import NamedTuple

from rag.documents.formats.tables.cell_kinds import Kind, cell_kind, is_word

SAMPLE = 60  # rows of a table from which its parts are told
NOTE = re.compile(r"[*†‡(]|\d\)|(?:notes?|source|quelle|legend|key|n\.?b\.?|stand|as of|all|figures)\b", re.I)
NOTE_MARK = re.compile(r"(?:notes?|sources?|quelle|n\.?b\.?|legend|key)\s*:\s*\S", re.I)
RULE = re.compile(r"[-=_*–—:+|.\s]{3,}")


class Row(NamedTuple):
    """The cells of a row, each on one line, and its page."""

    cells: list[str]
    page: int | None = None

    @property
    def filled(self) -> int:
        """Return how many cells hold something."""
        return sum(map(bool, self.cells))

    @property
    def line(self) -> str:
        """Return the row as a line of text: a note, a label and its value, or all cells."""
        cells = [cell for cell in self.cells if cell]
        if cells and NOTE_MARK.match(cells[0]):
            return ", ".join(cells)
        return ": ".join((cells[0].rstrip(": "), cells[1])) if len(cells) == 2 else "; ".join(cells)


def typical_width(rows: Sequence[Row]) -> int:
    """Return how many cells of a row are mostly filled, of rows with two and more; 1 where there are none."""
    wide = [row.filled for row in islice(rows, 4 * SAMPLE) if row.filled > 1]
    return int(median(wide)) if wide else 1


def is_note(row: Row) -> bool:
    """Return whether a row is a line of text about the table rather than a row of it."""
    if len(row.cells) > 1 and NOTE_MARK.match(row.cells[0]):
        return True
    if row.filled != 1 or len(row.cells) < 2:
        return False
    text = next(filter(None, row.cells))
    prose = cell_kind(text).kind is Kind.PROSE or text.endswith(".") or ": " in text
    return prose or NOTE.match(text) is not None


def unspanned(row: Row) -> Row:
    """Return the row with one cell in place of equal words over three columns or more, which are one merged cell."""
    first, *others = row.cells or [""]
    same = len(others) > 1 and first and all(cell == first for cell in others)
    return Row([first] + [""] * len(others), row.page) if same and is_word(first) or same and len(first) > 30 else row


def is_rule(row: Row) -> bool:
    """Return whether a row is but a line of dashes or the like."""
    return all(RULE.fullmatch(cell) for cell in row.cells if cell)
