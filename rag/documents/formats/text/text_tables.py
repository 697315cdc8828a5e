"""Tables within text: their rows take the place of the lines that draw them, and all other characters stay."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from rag.core.table_cell import TableCell
from rag.documents.formats.base.sections import ANNOUNCES, Block, Section

Span = tuple[int, int]


class DrawnTable(NamedTuple):
    """A table as it is drawn in text[start:end], and its rows."""

    start: int
    end: int
    blocks: list[Block]


class WrittenTable(NamedTuple):
    """The rows of a table in text[start:end], one a line. caption: its own, or that of the line above."""

    start: int
    end: int
    cells: tuple[TableCell, ...]
    caption: str


class WrittenTables:
    """A text with rows in place of the tables that are drawn in it.

    text: it. tables: where the rows stand in it. Positions of the text before can be looked up.
    """

    def __init__(self, text: str, drawn: Iterable[DrawnTable]) -> None:
        parts: list[str] = []
        self.tables: list[WrittenTable] = []
        self._places: list[tuple[int, int, int]] = []  # start and end of a drawn table, and the end of its rows
        at = end = row = 0
        for table in drawn:
            before = text[at : table.start]
            before += "\n" if before and not before.endswith("\n") else ""
            written = _written(table.blocks, end + len(before), row, _line_above(before))
            rows = "".join(f"{block.text}\n" for block in table.blocks)
            parts += (before, rows)
            on_a_line = text[table.end - 1] == "\n" or not text.startswith("\n", table.end)
            at, end = table.end + (not on_a_line), written.end
            self.tables.append(written)
            self._places.append((table.start, at, end))
            row += sum(bool(block.cells) for block in table.blocks)
        self.text = "".join([*parts, text[at:]])

    def moved(self, spans: Iterable[Span]) -> list[Span]:
        """Return where spans of the text before are now, less those in tables."""
        moved = ((self._moved(start), self._moved(end)) for start, end in spans)
        return [(start, end) for start, end in moved if start < end]

    def _moved(self, at: int) -> int:
        number = bisect_right(self._places, at, key=lambda place: place[0])
        if not number:
            return at
        _, end, now = self._places[number - 1]
        return now + max(0, at - end)

    def with_cells(self, sections: Iterable[Section]) -> list[Section]:
        """Return sections of the text with the cells in them; a table with a caption is a section of its own."""
        found: list[Section] = []
        waiting = list(reversed(self.tables))
        for section in sections:
            while waiting and waiting[-1].start < section.end:
                table = waiting.pop()
                first = max(table.start, section.start)
                inside = tuple(cell for cell in table.cells if section.start <= cell.start and cell.end <= section.end)
                if table.caption and section.headings:
                    named = replace(section, start=first, end=min(table.end, section.end), cells=inside)
                    found += [replace(section, end=first), replace(named, headings=(*section.headings, table.caption))]
                    section = replace(section, start=named.end, cells=())
                else:
                    section = replace(section, cells=(*section.cells, *inside))
            found.append(section)
        return [section for section in found if section.start < section.end]


def _written(blocks: list[Block], start: int, row: int, caption: str) -> WrittenTable:
    cells: list[TableCell] = []
    end = start
    for block in blocks:
        cells += [cell.shifted(end, row) for cell in block.cells]
        row += bool(block.cells)
        end += len(block.text) + 1
    return WrittenTable(start, end, tuple(cells), next((b.caption for b in blocks if b.caption), caption))


def _line_above(text: str) -> str:
    """Return the last line of a text if it announces what follows."""
    line = text.rstrip().rpartition("\n")[2].strip(" *_>#")
    return line.rstrip(": ") if ANNOUNCES.fullmatch(line) else ""
