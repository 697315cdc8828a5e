"""Tables whose cells are parted by pipes, without the rule below the header that Markdown demands.

Programs that turn pages and workbooks into text write them so, and people paste them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rag.documents.formats.base.sections import flat
from rag.documents.formats.tables.cell_kinds import TYPED, Kind, cell_kind, common_kind
from rag.documents.formats.tables.header import is_known_name
from rag.documents.formats.tables.row import SAMPLE
from rag.documents.formats.tables.rows import table_blocks
from rag.documents.formats.text.drawn_grids import Line
from rag.documents.formats.text.text_tables import DrawnTable

FEWEST_ROWS = 3
ALIKE = 0.8  # of the rows have as many cells as most
PIPE = re.compile(r"(?:^|(?<=\s))\|(?=\s|$)")  # with space around: "a||b", "x|y" and "[-a|-b]" part no cells
BRACKETS = {"]": "[", "}": "{"}


def pipe_tables(text: str, lines: Sequence[Line]) -> list[DrawnTable]:
    """Return the tables among lines of a text: three rows and more, most of them of as many cells."""
    found: list[DrawnTable] = []
    for run in _runs(lines):
        rows = _rows(run)
        if _is_table(rows) and (blocks := table_blocks(rows)):
            found.append(DrawnTable(run[0].start, min(run[-1].after, len(text)), blocks))
    return found


def has_pipe(line: str) -> bool:
    """Return whether a line has a pipe that may part two cells."""
    return "|" in line and PIPE.search(line) is not None


def _runs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the longest runs of lines with a pipe."""
    run: list[Line] = []
    for line in lines:
        if has_pipe(line):
            run.append(line)
        else:
            if len(run) >= FEWEST_ROWS:
                yield run
            run = []
    if len(run) >= FEWEST_ROWS:
        yield run


def _rows(run: list[Line]) -> list[list[str]]:
    """Return the cells of each line. Pipes at both ends of every line are the table's edges."""
    lines = [line.strip() if line.strip().startswith("|") else line.rstrip() for line in run]
    edged = all(len(line) > 1 and line[0] == line[-1] == "|" for line in lines)
    return [[flat(cell) for cell in PIPE.split(line[1:-1] if edged else line)] for line in lines]


def _is_table(rows: list[list[str]]) -> bool:
    """Return whether rows are those of a table, not grammar, commands or choices that pipes part."""
    width, most = Counter(map(len, rows)).most_common(1)[0]
    if width < 2 or most < ALIKE * len(rows) or not all(_closed(cell) for row in rows for cell in row):
        return False
    columns = list(zip(*(row for row in rows[1 : 1 + SAMPLE] if len(row) == width), strict=True))
    if not all(map(any, columns[:1])):
        return False
    if any(common_kind(list(column))[0] in TYPED for column in columns):
        return True
    prose = any(cell_kind(cell).kind is Kind.PROSE for cell in rows[0])
    return not prose and (width > 2 or all(map(is_known_name, rows[0])))


def _closed(cell: str) -> bool:
    """Return whether each bracket opened in a cell is closed in it, which those of optional parts may not be."""
    opened: list[str] = []
    for character in cell:
        if character in BRACKETS.values():
            opened.append(character)
        elif character in BRACKETS and (not opened or opened.pop() != BRACKETS[character]):
            return False
    return not opened
