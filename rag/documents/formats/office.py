"""Word, PowerPoint and Excel files of the newer, zip-based kinds."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator
from typing import Any

from rag.core.sections import DocumentSettings
from rag.documents.formats.limits import DEFAULTS, progress, require_pages
from rag.documents.formats.sections import Block, Parsed, assemble, flat, table_rows


def parse_docx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Paragraphs and table rows, less what is hidden in them; Title and Heading styles are headings. Word files know no pages until they are printed."""
    import docx
    from docx.table import Table

    from rag.documents.formats.docx_hidden import Eyes, unwrap

    eyes, document = Eyes(), docx.Document(io.BytesIO(data))
    unwrap(document.element.body)
    blocks: list[Block] = []
    for item in document.iter_inner_content():
        progress()
        if isinstance(item, Table):
            blocks.extend(Block(text) for text in table_rows(list(_word_rows(item, eyes))))
        else:
            style = re.fullmatch(r"(Title)|Heading (\d)", (item.style.name if item.style else "") or "")
            level = (1 if style[1] else int(style[2]) + 1) if style else 0
            blocks.append(Block(flat(eyes.text(item)), level))
    return assemble(blocks)


def _word_rows(table: Any, eyes: Any) -> Iterator[list[str]]:
    for row in table.rows:
        progress()
        cells = row.cells
        first = [
            n == 0 or cell._tc is not cells[n - 1]._tc for n, cell in enumerate(cells)
        ]  # a merged cell comes once for each of its columns
        yield [flat("\n".join(_cell_texts(cell, eyes, tables))) for cell, tables in zip(cells, first, strict=True)]


def _cell_texts(cell: Any, eyes: Any, tables: bool) -> Iterator[str]:
    """-> paragraphs, and the rows of tables in the cell where they are wanted."""
    from docx.table import Table

    for item in cell.iter_inner_content():
        if not isinstance(item, Table):
            yield eyes.text(item)
        elif tables:
            yield from table_rows(list(_word_rows(item, eyes)))


def parse_pptx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """A slide is a page; its title, else its number, is its heading. Text, tables and the speaker's notes are read."""
    import pptx

    slides = pptx.Presentation(io.BytesIO(data)).slides
    require_pages(len(slides), "slides", settings)
    blocks: list[Block] = []
    for number, slide in enumerate(slides, 1):
        progress()
        title = slide.shapes.title
        words = flat(title.text_frame.text) if title is not None else ""
        blocks.append(Block(words or f"Slide {number}", 1, number))
        blocks += [
            Block(text, 0, number)
            for shape in slide.shapes
            if title is None or shape.shape_id != title.shape_id
            for text in _shape_text(shape)
        ]
        if (
            slide.has_notes_slide
            and slide.notes_slide.notes_text_frame is not None
            and (notes := flat(slide.notes_slide.notes_text_frame.text))
        ):
            blocks.append(Block(f"Notes: {notes}", 0, number))
    return (
        assemble(blocks)
        if len(blocks) > len(slides) or any(not b.text.startswith("Slide ") for b in blocks)
        else ("", [])
    )


def _shape_text(shape: Any) -> Iterator[str]:
    """-> paragraphs and table rows of a shape, of a group's shapes too."""
    stack = [shape]
    while stack:
        shape = stack.pop()
        if hasattr(shape, "shapes"):
            stack.extend(reversed(list(shape.shapes)))
        elif getattr(shape, "has_table", False):
            yield from table_rows([[flat(cell.text) for cell in row.cells] for row in shape.table.rows])
        elif shape.has_text_frame:
            yield from (flat(paragraph.text) for paragraph in shape.text_frame.paragraphs)


def parse_xlsx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """A sheet's name is its heading; each row becomes `column: value; column: value`. Formulas give the value that was saved with them."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    require_pages(len(book.worksheets), "sheets", settings)
    parts: list[Block] = []
    for sheet in book.worksheets:
        rows = list(_sheet_rows(sheet, settings))
        if rows:
            parts.append(Block(sheet.title, 1))
        titled = rows and sum(map(bool, rows[0])) == 1 and any(sum(map(bool, row)) > 1 for row in rows)
        while titled and sum(map(bool, rows[0])) == 1:
            parts.append(Block("".join(rows.pop(0))))  # a title above the table does not name its columns
        parts += [Block(text) for text in table_rows(rows)]
    return assemble(parts, "\n")


def _sheet_rows(sheet: Any, settings: DocumentSettings) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # what a file says of its size is often wrong
    size = 0
    for row in sheet.iter_rows(values_only=True):
        progress()
        cells = [_cell(value) for value in row]
        if any(cells):
            size += sum(map(len, cells))
            if size > settings.max_characters:
                return  # too much text, which is said when all is put together
            yield cells


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return flat(str(value))
