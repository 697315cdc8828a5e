"""Word, PowerPoint and Excel files of the newer, zip-based kinds."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.core.sections import DocumentSettings
from rag.documents.formats.limits import DEFAULTS, progress, require_pages
from rag.documents.formats.sections import Block, Parsed, assemble, flat
from rag.documents.formats.tables import row_texts, table_blocks

if TYPE_CHECKING:
    from docx.table import Table, _Cell
    from pptx.slide import Slide

    from rag.documents.formats.docx_hidden import ShownText

STYLE = re.compile(r"(Title)|Heading (\d)")
LARGEST_EXACT = 1e15  # a float below it that is whole is shown without ".0"


def parse_docx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return paragraphs and table rows, less what is hidden in them; Title and Heading styles are headings.

    Word files have no pages until they are printed.
    """
    import docx
    from docx.table import Table

    from rag.documents.formats.docx_hidden import ShownText, unwrap

    shown, document = ShownText(), docx.Document(io.BytesIO(data))
    unwrap(document.element.body)
    blocks: list[Block] = []
    for item in document.iter_inner_content():
        progress()
        if isinstance(item, Table):
            blocks.extend(table_blocks(list(_word_rows(item, shown))))
        else:
            style = STYLE.fullmatch((item.style.name if item.style else "") or "")
            level = (1 if style[1] else int(style[2]) + 1) if style else 0
            blocks.append(Block(flat(shown.of(item)), level))
    return assemble(blocks)


def _word_rows(table: Table, shown: ShownText) -> Iterator[list[str]]:
    for row in table.rows:
        progress()
        cells = row.cells  # a merged cell comes once for each of its columns; tables in it are read once
        first = [n == 0 or cell._tc is not cells[n - 1]._tc for n, cell in enumerate(cells)]
        yield [flat("\n".join(_cell_texts(cell, shown, tables))) for cell, tables in zip(cells, first, strict=True)]


def _cell_texts(cell: _Cell, shown: ShownText, tables: bool) -> Iterator[str]:
    """Yield the paragraphs of a cell, and, where `tables` says so, the rows of tables in it."""
    from docx.table import Table

    for item in cell.iter_inner_content():
        if not isinstance(item, Table):
            yield shown.of(item)
        elif tables:
            yield from row_texts(list(_word_rows(item, shown)))


def parse_pptx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return text, tables and speaker's notes; a slide is a page, and its title, else its number, is its heading."""
    import pptx

    slides = pptx.Presentation(io.BytesIO(data)).slides
    require_pages(len(slides), "slides", settings)
    blocks: list[Block] = []
    for number, slide in enumerate(slides, 1):
        progress()
        blocks += _slide_blocks(slide, number)
    numbers_alone = len(blocks) == len(slides) and all(block.text.startswith("Slide ") for block in blocks)
    return Parsed("", []) if numbers_alone else assemble(blocks)


def _slide_blocks(slide: Slide, number: int) -> Iterator[Block]:
    title = slide.shapes.title
    yield Block((flat(title.text_frame.text) if title is not None else "") or f"Slide {number}", 1, number)
    for shape in slide.shapes:
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape_blocks(shape, number)
    frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if frame is not None and (notes := flat(frame.text)):
        yield Block(f"Notes: {notes}", 0, number)


def _shape_blocks(shape: Any, slide: int) -> Iterator[Block]:
    """Yield the paragraphs and table rows of a shape, or of a group's shapes. slide: its number."""
    stack = [shape]
    while stack:
        shape = stack.pop()
        if hasattr(shape, "shapes"):
            stack.extend(reversed(list(shape.shapes)))
        elif getattr(shape, "has_table", False):
            yield from table_blocks([[flat(cell.text) for cell in row.cells] for row in shape.table.rows], slide)
        elif shape.has_text_frame:
            yield from (Block(flat(paragraph.text), 0, slide) for paragraph in shape.text_frame.paragraphs)


def parse_xlsx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each row as `column: value; column: value`; a sheet's name is its heading.

    Formulas give the value that was saved with them.
    """
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    require_pages(len(book.worksheets), "sheets", settings)
    blocks: list[Block] = []
    for sheet in book.worksheets:
        rows = list(_sheet_rows(sheet, settings))
        if rows:
            blocks.append(Block(sheet.title, 1))
        if any(_filled(row) > 1 for row in rows):
            while _filled(rows[0]) == 1:
                blocks.append(Block("".join(rows.pop(0))))  # a title above the table does not name its columns
        blocks += table_blocks(rows)
    return assemble(blocks, "\n")


def _filled(row: list[str]) -> int:
    return sum(map(bool, row))


def _sheet_rows(sheet: Any, settings: DocumentSettings) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # the size that a file declares is often wrong
    size = 0
    for row in sheet.iter_rows(values_only=True):
        progress()
        cells = [_cell_text(value) for value in row]
        if any(cells):
            size += sum(map(len, cells))
            if size > settings.max_characters:
                return  # too much text, for which the file is refused once all is put together
            yield cells


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT:
        return str(int(value))
    return flat(str(value))
