"""Writes a table as people keep it: Markdown, HTML, CSV, XLSX, DOCX, PPTX or PDF."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import groupby

from eval.suites.table_pdf import pdf_pages


@dataclass(frozen=True)
class Shown:
    """A number or date that a sheet shows in a format: 0.075 in "0.0 %" is shown as "7.5 %"."""

    value: float | datetime | timedelta
    format: str
    text: str

    def __str__(self) -> str:
        return self.text


Row = tuple[str | Shown, ...]


@dataclass(frozen=True)
class Table:
    """One document with one table.

    file: its name; the suffix is the format. before, after: paragraphs around the table. header: the names of the
    columns, "Group > name" where two header rows say it, () where the table has none. merged: equal neighbours of the
    first column are one cell.
    """

    file: str
    title: str
    before: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    after: tuple[str, ...] = ()
    merged: bool = False


def table_document(table: Table) -> bytes:
    """Return the document's bytes in the format that its suffix names."""
    writers: dict[str, Callable[[Table], bytes]] = {
        "md": _markdown,
        "html": _html,
        "csv": _csv,
        "xlsx": _xlsx,
        "docx": _docx,
        "pptx": _pptx,
        "pdf": _pdf,
    }
    return writers[table.file.rpartition(".")[2]](table)


def _cells(table: Table) -> list[list[str]]:
    return [list(table.header)] * bool(table.header) + [[str(cell) for cell in row] for row in table.rows]


def _markdown(table: Table) -> bytes:
    lines = [f"| {' | '.join(row)} |" for row in _cells(table)]
    lines.insert(1, f"|{' --- |' * len(table.header)}")
    return "\n\n".join([f"# {table.title}", *table.before, "\n".join(lines), *table.after]).encode() + b"\n"


def _html(table: Table) -> bytes:
    body = [f"<tr>{row}</tr>" for row in [*_header_rows(table.header), *_body_rows(table)]]
    around = [[f"<p>{escape(text)}</p>" for text in texts] for texts in (table.before, table.after)]
    content = [f"<h1>{escape(table.title)}</h1>", *around[0], "<table>", *body, "</table>", *around[1]]
    return f"<!doctype html><title>{escape(table.title)}</title><body>\n{chr(10).join(content)}\n</body>".encode()


def _header_rows(header: tuple[str, ...]) -> Iterator[str]:
    parts = [name.partition(" > ") for name in header]
    if not any(name for _, _, name in parts):
        yield "".join(f"<th>{escape(name)}</th>" for name in header)
        return
    yield "".join(
        f'<th colspan="{len(names)}">{escape(group)}</th>' if names[0] else f'<th rowspan="2">{escape(group)}</th>'
        for group, names in ((g, [n for _, _, n in each]) for g, each in groupby(parts, key=lambda part: part[0]))
    )
    yield "".join(f"<th>{escape(name)}</th>" for _, _, name in parts if name)


def _body_rows(table: Table) -> Iterator[str]:
    for start, size in _first_column_groups(table):
        for n in range(start, start + size):
            cells = [f"<td>{escape(str(cell))}</td>" for cell in table.rows[n]]
            if n == start and size > 1:
                cells[0] = f'<td rowspan="{size}">{escape(str(table.rows[n][0]))}</td>'
            yield "".join(cells if n == start else cells[1:])


def _first_column_groups(table: Table) -> Iterator[tuple[int, int]]:
    """Return the first row and the number of rows of each cell of the first column."""
    if not table.merged:
        yield from ((n, 1) for n in range(len(table.rows)))
        return
    start = 0
    for _, rows in groupby(table.rows, key=lambda row: row[0]):
        size = len(list(rows))
        yield start, size
        start += size


def _csv(table: Table) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if table.before else ",", lineterminator="\r\n")
    writer.writerows([[line] for line in table.before] + [[]] * bool(table.before))
    writer.writerows(_cells(table))
    return out.getvalue().encode()


def _xlsx(table: Table) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = table.title[:31]
    for line in table.before:
        sheet.append([line])
        sheet.merge_cells(start_row=sheet.max_row, end_row=sheet.max_row, start_column=1, end_column=len(table.header))
    sheet.append(table.header)
    first = sheet.max_row + 1
    for row in table.rows:
        sheet.append([cell.value if isinstance(cell, Shown) else cell for cell in row])
        for column, cell in enumerate(row, 1):
            if isinstance(cell, Shown):
                sheet.cell(sheet.max_row, column).number_format = cell.format
    for start, size in _first_column_groups(table):
        if size > 1:
            end = first + start + size - 1
            sheet.merge_cells(start_row=first + start, end_row=end, start_column=1, end_column=1)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _docx(table: Table) -> bytes:
    import docx

    document = docx.Document()
    document.add_heading(table.title, 1)
    for text in table.before:
        document.add_paragraph(text)
    cells = _cells(table)
    grid = document.add_table(len(cells), len(cells[0]), style="Table Grid")
    for row, values in zip(grid.rows, cells, strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    for text in table.after:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _pptx(table: Table) -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    deck, cells = Presentation(), _cells(table)
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = table.title
    place = (Inches(0.5), Inches(1.5), Inches(9), Inches(5))
    grid = slide.shapes.add_table(len(cells), len(cells[0]), *place).table
    for y, values in enumerate(cells):
        for x, value in enumerate(values):
            grid.cell(y, x).text = value
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def _pdf(table: Table) -> bytes:
    return pdf_pages(table.title, _cells(table))
