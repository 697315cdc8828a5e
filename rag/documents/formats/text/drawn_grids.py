"""Tables drawn with lines of characters: grids and simple tables of reStructuredText, and what databases print."""

from __future__ import annotations

import re
from bisect import bisect_right

from rag.documents.formats.base.sections import flat
from rag.documents.formats.tables.rows import table_blocks
from rag.documents.formats.text.text_tables import DrawnTable

BORDER = re.compile(r"\+(?:[-=]+\+)+")  # of a grid
PART_OF_BORDER = re.compile(r"\+[-=]{2,}\+")
SIMPLE = re.compile(r"=+(?: +=+)+ *")  # of a simple table
UNDER_GROUPS = re.compile(r"-+(?: +-+)* *")  # below names of groups of columns in a simple table
RULE = re.compile(r"[\s|]*:?-+:?(?:\s*[|+]\s*:?-+:?)+[\s|]*")  # below the header of a table of pipes
FEWEST_BORDERS = 3  # of a grid without lines between its rows


class Line(str):
    """A line of a text without its end. start: where it begins in the text."""

    start: int

    @classmethod
    def at(cls, text: str, start: int) -> Line:
        line = cls(text)
        line.start = start
        return line

    @property
    def after(self) -> int:
        """Return where the next line begins."""
        return self.start + len(self) + 1


def lines_of(text: str) -> list[Line]:
    """Return the lines of a text."""
    lines, start = [], 0
    for line in text.split("\n"):
        lines.append(Line.at(line, start))
        start += len(line) + 1
    return lines


def grid_tables(text: str, lines: list[Line]) -> list[DrawnTable]:
    """Return the grids, the simple tables and the tables of pipes in a text, in order."""
    found: list[DrawnTable] = []
    at = 0
    while at < len(lines):
        rows, end, header = _grid(lines, at) or _simple(lines, at) or _pipes(lines, at) or ([], at + 1, None)
        if blocks := table_blocks(rows, header=header) if rows else []:
            found.append(DrawnTable(lines[at].start, min(lines[end - 1].after, len(text)), blocks))
        at = end
    return found


Found = tuple[list[list[str]], int, int | None]  # rows, the number of the line after them, and rows of the header


def _grid(lines: list[Line], at: int) -> Found | None:
    if not BORDER.fullmatch(lines[at].strip()):
        return None
    end, indent = at, len(lines[at]) - len(lines[at].lstrip())
    while end < len(lines) and lines[end].strip()[:1] in ("+", "|"):
        end += 1
    while not BORDER.fullmatch(lines[end - 1].strip()):
        end -= 1
    width = max(map(len, lines[at:end]))
    drawn = [line[indent:].ljust(width - indent) for line in lines[at:end]]
    borders = [n for n, line in enumerate(drawn) if line[0] == "+" or PART_OF_BORDER.search(line)]
    if len(borders) < 2:
        return None
    edges = sorted({x for n in borders for x, c in enumerate(drawn[n]) if c == "+"})
    head = next((n for n, line in enumerate(borders) if set(drawn[line].strip()) == {"+", "="}), 0)
    if len(borders) <= FEWEST_BORDERS:
        rows, count = _lines_as_rows(drawn, borders, edges)
        return rows, end, count if len(borders) == FEWEST_BORDERS else None
    return _cells(drawn, borders, edges), end, head or None


def _lines_as_rows(drawn: list[str], borders: list[int], edges: list[int]) -> tuple[list[list[str]], int]:
    """Return each line as a row, and how many of them are the header; one without a first cell goes on with the last.

    That is so in what databases print. A row of a document, too, may have several lines.
    """
    rows: list[list[str]] = []
    header = 0
    for first, last in zip(borders, borders[1:], strict=False):
        for n, line in enumerate(drawn[first + 1 : last]):
            cells = [flat(line[a + 1 : b]) for a, b in zip(edges, edges[1:], strict=False)]
            if n and not cells[0]:
                rows[-1] = [flat(f"{above} {cell}") for above, cell in zip(rows[-1], cells, strict=True)]
            else:
                rows.append(cells)
        header = header or len(rows)
    return rows, header


def _cells(drawn: list[str], borders: list[int], edges: list[int]) -> list[list[str]]:
    """Return the rows between borders; a cell that spans rows or columns stands in each of them."""
    texts: dict[int, list[str]] = {}
    owners: list[list[int]] = []  # the number of the cell that each place of the grid belongs to
    spans = [(top, bottom) for top, bottom in zip(borders, borders[1:], strict=False) if bottom - top > 1]
    for row, (top, bottom) in enumerate(spans):
        inside = drawn[top + 1 : bottom]
        owners.append([])
        for column, (left, right) in enumerate(zip(edges, edges[1:], strict=False)):
            above = drawn[top][left + 1 : right]
            if column and not any(line[left] in "|+" for line in inside):
                owner = owners[row][column - 1]
                left -= 1  # the edge's character belongs to the text
                pieces = texts[owner][-len(inside) :]
                more = [line[left + 1 : right] for line in inside]
                texts[owner][-len(inside) :] = map("".join, zip(pieces, more, strict=True))
            else:
                goes_on = row > 0 and set(above) - set("-=+") != set()
                owner = owners[row - 1][column] if goes_on else row * len(edges) + column
                texts.setdefault(owner, []).extend([above] * goes_on + [line[left + 1 : right] for line in inside])
            owners[row].append(owner)
    return [[flat(" ".join(texts[owner])) for owner in row] for row in owners]


def _simple(lines: list[Line], at: int) -> Found | None:
    if not SIMPLE.fullmatch(lines[at].strip()):
        return None
    indent = len(lines[at]) - len(lines[at].lstrip())
    borders = [at]
    end = at + 1
    while end < len(lines) and len(borders) < 3:
        if SIMPLE.fullmatch(lines[end].strip()):
            borders.append(end)
            if end + 1 == len(lines) or not lines[end + 1].strip():
                break  # the table's last border
        end += 1
    if len(borders) < 2 or end == len(lines):
        return None
    starts = [match.start() + indent for match in re.finditer("=+", lines[at].strip())]
    rows: list[list[str]] = []
    header = 0
    for n in range(at + 1, end):
        line = lines[n]
        if n in borders:
            header = len(rows)
        elif rows and UNDER_GROUPS.fullmatch(line.strip()):
            rows[-1] = _group_names(lines[n - 1], line, starts)
        elif line.strip():
            cells = _slices(line, starts)
            if not cells[0] and rows and len(rows) > header:
                rows[-1] = [flat(f"{above} {cell}") for above, cell in zip(rows[-1], cells, strict=True)]
            else:
                rows.append(cells)
    return (rows, end + 1, header or None) if rows else None


def _group_names(line: str, rule: str, starts: list[int]) -> list[str]:
    """Return for each column the name above the part of the rule that it stands below."""
    parts = [match.start() for match in re.finditer("-+", rule)]
    names = _slices(line, parts)
    return [names[max(0, bisect_right(parts, start) - 1)] for start in starts]


def _slices(line: str, starts: list[int]) -> list[str]:
    return [flat(line[a:b]) for a, b in zip(starts, [*starts[1:], len(line)], strict=True)]


def _pipes(lines: list[Line], at: int) -> Found | None:
    """Return a table of pipes, whose second line is a rule."""
    if at + 2 >= len(lines) or "|" not in lines[at] or not RULE.fullmatch(lines[at + 1]) or "-" not in lines[at + 1]:
        return None
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    drawn = [lines[at], *lines[at + 2 : end]]
    if len(drawn) < 2:
        return None
    rows = [[flat(cell) for cell in line.strip().removeprefix("|").removesuffix("|").split("|")] for line in drawn]
    return rows, end, 1
