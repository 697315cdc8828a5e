"""PDF files: pages, headings by font size, tables as rows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import mode
from typing import TYPE_CHECKING, Any

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.limits import DEFAULTS, progress, require_pages
from rag.documents.formats.sections import Block, Parsed, assemble, flat
from rag.documents.formats.tables import table_blocks

if TYPE_CHECKING:
    from pdfplumber.page import Page

EDGE = 2  # lines at the top and at the bottom of a page that can be a running head or foot
LARGER = 0.8  # points by which a heading is larger than the body
LINE_GAP = 0.55  # space between the lines of a paragraph at most, in font sizes
UNUSED_CODE = "(cid:127)"  # in WinAnsi, which the PDF standard reads as a bullet
NUMBERED = re.compile(r"\d{1,2}[.)] ")
BULLET = re.compile("[•–-] ")


@dataclass(frozen=True)
class PdfLine:
    """A line of a page: text, font size in points, top and bottom in points from the page's top."""

    text: str
    size: float
    top: float
    bottom: float

    @property
    def place(self) -> tuple[str, int]:
        """Return what is the same on each page for a running head or foot, whatever its page number."""
        return re.sub(r"\d+", "\0", self.text), round(self.top)


Numbered = tuple[int, PdfLine | Block]  # the number of a page, and a line or table row of it


def parse_pdf(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the pages in order; tables become rows, and larger lines become headings.

    Running heads and feet are dropped, and so is what nobody sees.
    """
    pages = list(_pages(data, settings))
    sizes = [line.size for page in pages for line in page if isinstance(line, PdfLine)]
    if not sizes and not any(pages):
        raise DocumentError("no text in the PDF, only pictures", "recognise its text first (OCR) and save that")
    body = mode(sizes) if sizes else 0
    heading_sizes = sorted({size for size in sizes if size > body + LARGER}, reverse=True)
    running = _running_lines(pages)
    items = [(number, item) for number, page in enumerate(pages, 1) for item in page]
    kept = [each for each in items if each not in running] or items  # pages that are all the same are no heads and feet
    return assemble(_blocks(kept, heading_sizes))


def _pages(data: bytes, settings: DocumentSettings) -> Iterator[list[PdfLine | Block]]:
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    from rag.documents.formats.pdf_hidden import visible_page

    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            require_pages(len(pdf.pages), "pages", settings)
            if not pdf.pages:
                raise DocumentError("no pages in the PDF", "it is damaged or broke off: copy it again")
            for page in pdf.pages:
                yield page_items(visible_page(page))
                page.close()  # a page keeps every character as a dictionary
                progress()
    except PdfminerException as error:
        if error.args and isinstance(error.args[0], PDFPasswordIncorrect):
            raise DocumentError("the PDF is password-protected", "save it without a password") from error
        raise


def page_items(page: Page) -> list[PdfLine | Block]:
    """Return a page's lines, and its table rows, from top to bottom."""
    tables = page.find_tables()
    items: list[tuple[float, PdfLine | Block]] = []
    for table in tables:
        rows = [[flat(cell or "") for cell in row] for row in table.extract()]
        items.extend((table.bbox[1] + i / 1000, row) for i, row in enumerate(table_blocks(rows)))
    outside = page.filter(lambda item: not any(_is_inside(item, table.bbox) for table in tables))
    for line in outside.extract_text_lines():
        size = round(mode(round(char["size"], 1) for char in line["chars"]), 1)
        text = flat(line["text"].replace(UNUSED_CODE, "•"))
        if text:  # a line of invisible characters has none
            items.append((line["top"], PdfLine(text, size, line["top"], line["bottom"])))
    return [item for _, item in sorted(items, key=lambda pair: pair[0])]


def _is_inside(item: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    x, y = (item["x0"] + item["x1"]) / 2, (item["top"] + item["bottom"]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _running_lines(pages: list[list[PdfLine | Block]]) -> set[Numbered]:
    """Return the running heads and feet.

    They stand in the same place at the edge of all pages but one at most, and are the same but for numbers that
    count the pages.
    """
    alike: dict[tuple[str, int], list[tuple[int, PdfLine]]] = {}
    for number, page in enumerate(pages, 1):
        lines = [item for item in page if isinstance(item, PdfLine)]
        for line in dict.fromkeys(lines[:EDGE] + lines[-EDGE:]):
            alike.setdefault(line.place, []).append((number, line))
    everywhere = (found for found in alike.values() if len(found) > 1 and len(found) >= len(pages) - 1)
    return {each for found in everywhere if _counts_pages(found) for each in found}


def _counts_pages(found: list[tuple[int, PdfLine]]) -> bool:
    """Return whether each number in the lines is the same on all pages, or goes up with them."""
    columns = zip(*([int(digits) for digits in re.findall(r"\d+", line.text)] for _, line in found), strict=True)
    pages = [number for number, _ in found]
    return all(
        len(set(column)) == 1 or len({value - page for value, page in zip(column, pages, strict=True)}) == 1
        for column in columns
    )


def _blocks(items: list[Numbered], heading_sizes: list[float]) -> Iterable[Block]:
    """Join lines to paragraphs and headings, whose level is the rank of their size.

    A paragraph stands on the page that it begins on.
    """
    paragraph: list[tuple[int, PdfLine]] = []

    def ended() -> Iterable[Block]:
        if paragraph:
            page, first = paragraph[0]
            level = heading_sizes.index(first.size) + 1 if first.size in heading_sizes else 0
            yield Block(" ".join(line.text for _, line in paragraph), level, page)
            paragraph.clear()

    for page, item in items:
        if isinstance(item, Block):
            yield from ended()
            yield replace(item, page=page)
            continue
        if paragraph:
            (_, first), (last_page, last) = paragraph[0], paragraph[-1]
            if not _goes_on(first, last, item, page == last_page, item.size in heading_sizes):
                yield from ended()
        paragraph.append((page, item))
    yield from ended()


def _goes_on(first: PdfLine, last: PdfLine, line: PdfLine, same_page: bool, is_heading: bool) -> bool:
    """Return whether `line` goes on with the paragraph from `first` to `last`.

    It has one size, and is close below, or over a page break in mid-sentence.
    """
    if line.size != last.size or BULLET.match(line.text):
        return False
    if NUMBERED.match(line.text) and (last.text[-1] in ".:;" or NUMBERED.match(first.text)):
        return False
    if same_page:
        return line.top - last.bottom <= LINE_GAP * line.size
    return not is_heading and last.text[-1] not in ".:;!?"
