"""The chunks of a document as text for a terminal: a rule above each, and tables drawn as tables."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence

from rag.core.chunk import Chunk
from rag.core.table_cell import TableCell

LONGEST_GAP = 200  # characters shown of a text that is in no chunk
NARROWEST = 40  # characters of a line
Row = tuple[TableCell, ...]  # the cells of one row that are in a chunk


def document_text(text: str, chunks: Sequence[Chunk]) -> Iterator[str]:
    """Yield the lines of a document: its chunks, and what is in none, such as a heading that stands alone."""
    width = max(NARROWEST, shutil.get_terminal_size((100, 24)).columns)
    end = 0
    for number, chunk in enumerate(chunks, 1):
        yield from _gap(text[end : chunk.start])
        yield _rule(number, chunk, width)
        yield from _chunk_lines(chunk, width)
        yield ""
        end = chunk.end
    yield from _gap(text[end:])


def chunk_cells(chunk: Chunk) -> Iterator[str]:
    """Yield a line for each cell of the tables in a chunk."""
    if chunk.cells:
        yield "\ncells (row | column | value):"
    for cell in chunk.cells:
        yield " | ".join((cell.row_name, cell.column, chunk.text[cell.start : cell.end]))


def _gap(text: str) -> Iterator[str]:
    words = " ".join(text.split())
    if words:
        cut = f"{words[:LONGEST_GAP]} ..." if len(words) > LONGEST_GAP else words
        yield f"(in no chunk) {cut}\n"


def _rule(number: int, chunk: Chunk, width: int) -> str:
    place = [" > ".join(chunk.headings), f"page {chunk.page}" if chunk.page else ""]
    about = " · ".join(filter(None, (f"chunk {number}", f"{len(chunk.text)} characters", *place)))
    return f"── {about} ".ljust(width, "─")


def _chunk_lines(chunk: Chunk, width: int) -> Iterator[str]:
    """Yield the lines of a chunk; rows with named columns below each other are one table."""
    lines = list(_lines_with_cells(chunk))
    around = zip(lines, [("", ()), *lines], [*lines[1:], ("", ())], strict=False)
    lines = [line for line, before, after in around if line[0] or not (before[1] and after[1])]
    for rows in _tables(lines):
        if len(rows) > 1:
            yield from _drawn(chunk, [row for _, row in rows], width)
        else:
            yield rows[0][0]


def _tables(lines: list[tuple[str, Row]]) -> Iterator[list[tuple[str, Row]]]:
    """Yield lines one by one, and together rows that have a column of the same name."""
    together: list[tuple[str, Row]] = []
    for line, row in lines:
        above = {cell.column for _, other in together for cell in other}
        if together and not above.intersection({cell.column for cell in row} - {""}):
            yield together
            together = []
        together.append((line, row))
    if together:
        yield together


def _lines_with_cells(chunk: Chunk) -> Iterator[tuple[str, Row]]:
    start, cells = 0, list(chunk.cells)
    for line in chunk.text.split("\n"):
        end = start + len(line)
        yield line, tuple(cell for cell in cells if start <= cell.start and cell.end <= end)
        cells = [cell for cell in cells if cell.end > end]
        start = end + 1


def _drawn(chunk: Chunk, rows: list[Row], width: int) -> Iterator[str]:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    columns = list(dict.fromkeys(cell.column for row in rows for cell in row))
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        values = [" ".join(chunk.text[c.start : c.end] for c in row if c.column == column) for column in columns]
        table.add_row(*map(Text, values))
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(table)
    yield from (line.rstrip() for line in out.getvalue().rstrip("\n").split("\n") if line.strip())
