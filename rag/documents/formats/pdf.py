"""The PDF reader: pages, headings by font size, tables as rows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mode
from typing import Any

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.limits import DEFAULTS, progress, require_pages
from rag.documents.formats.sections import Block, Parsed, assemble, flat, table_rows

EDGE = 2  # lines at the top and at the bottom of a page that can be a running head or foot


@dataclass(frozen=True)
class PdfLine:
    """A line of a page: text, font size in points, top and bottom in points from the page's top."""

    text: str
    size: float
    top: float
    bottom: float

    @property
    def key(self) -> tuple[str, int]:
        """The same on each page for a running head or foot, whatever its page number."""
        return re.sub(r"\d+", "\0", self.text), round(self.top)


def parse_pdf(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Pages in order: tables become rows, larger lines become headings, running heads and feet are dropped, and so is what nobody sees."""
    pages = list(_pages(data, settings))
    sizes = [line.size for page in pages for line in page if isinstance(line, PdfLine)]
    if not sizes and not any(pages):
        raise DocumentError("no text in the PDF, only pictures", remedy="recognise its text first (OCR) and save that")
    body = mode(sizes) if sizes else 0
    ranks = sorted({size for size in sizes if size > body + 0.8}, reverse=True)
    running = _running_lines(pages)
    numbered = [(number, item) for number, page in enumerate(pages, 1) for item in page]
    items = [each for each in numbered if each not in running]
    return assemble(
        list(_paragraphs(items or numbered, ranks))
    )  # where all pages are the same, they are no heads and feet


def _pages(data: bytes, settings: DocumentSettings) -> Iterable[list[PdfLine | str]]:
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    from rag.documents.formats.pdf_hidden import visible_page

    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            require_pages(len(pdf.pages), "pages", settings)
            if not pdf.pages:
                raise DocumentError("no pages in the PDF", remedy="it is damaged or broke off: copy it again")
            for page in pdf.pages:
                yield _page_items(visible_page(page))
                page.close()  # a page keeps every character as a dictionary
                progress()
    except PdfminerException as error:
        if error.args and isinstance(error.args[0], PDFPasswordIncorrect):
            raise DocumentError("the PDF is password-protected", remedy="save it without a password") from error
        raise


def _page_items(page: Any) -> list[PdfLine | str]:
    """-> lines, and table rows as plain strings, from top to bottom."""
    tables = page.find_tables()
    items: list[tuple[float, PdfLine | str]] = []
    for table in tables:
        rows = [[flat(cell or "") for cell in row] for row in table.extract()]
        items.extend((table.bbox[1] + i / 1000, text) for i, text in enumerate(table_rows(rows)))
    outside = page.filter(lambda obj: not any(_inside(obj, table.bbox) for table in tables))
    for line in outside.extract_text_lines():
        size = round(mode(round(char["size"], 1) for char in line["chars"]), 1)
        text = flat(
            line["text"].replace("(cid:127)", "•")
        )  # an unused code in WinAnsi, which the PDF standard reads as a bullet
        if text:  # a line of invisible characters has none
            items.append((line["top"], PdfLine(text, size, line["top"], line["bottom"])))
    return [item for _, item in sorted(items, key=lambda pair: pair[0])]


def _inside(obj: dict, box: tuple[float, float, float, float]) -> bool:
    x, y = (obj["x0"] + obj["x1"]) / 2, (obj["top"] + obj["bottom"]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _running_lines(pages: list[list[PdfLine | str]]) -> set[tuple[int, PdfLine | str]]:
    """-> (page, line) of what stands in the same place at the edge of all pages but one at most, the same but for numbers that count the pages."""
    alike: dict[tuple[str, int], list[tuple[int, PdfLine]]] = {}
    for number, page in enumerate(pages, 1):
        lines = [item for item in page if isinstance(item, PdfLine)]
        for line in dict.fromkeys(lines[:EDGE] + lines[-EDGE:]):
            alike.setdefault(line.key, []).append((number, line))
    return {
        each
        for found in alike.values()
        if len(found) > 1 and len(found) >= len(pages) - 1 and _counts_pages(found)
        for each in found
    }


def _counts_pages(found: list[tuple[int, PdfLine]]) -> bool:
    """Whether each number in the lines is the same on all pages, or goes up with them; one of the text itself does not."""
    columns = zip(*([int(digits) for digits in re.findall(r"\d+", line.text)] for _, line in found), strict=True)
    return all(
        len(set(column)) == 1 or len({value - number for value, (number, _) in zip(column, found, strict=True)}) == 1
        for column in columns
    )


def _paragraphs(items: list[tuple[int, PdfLine | str]], ranks: list[float]) -> Iterable[Block]:
    """(page, line or row) -> blocks. A size above the body's makes a heading of its rank; a paragraph stands on the page it begins on."""
    held: list[tuple[int, PdfLine]] = []

    def flush() -> Iterable[Block]:
        if held:
            page, first = held[0]
            level = ranks.index(first.size) + 1 if first.size in ranks else 0
            yield Block(" ".join(line.text for _, line in held), level, page)
            held.clear()

    for page, item in items:
        if isinstance(item, str):
            yield from flush()
            yield Block(item, 0, page)
            continue
        if held and not _goes_on(held[0][1], held[-1][1], item, page == held[-1][0], ranks):
            yield from flush()
        held.append((page, item))
    yield from flush()


def _goes_on(first: PdfLine, last: PdfLine, line: PdfLine, same_page: bool, ranks: list[float]) -> bool:
    """Whether `line` goes on with the paragraph from `first` to `last`: one size, close below, or over a page break in mid-sentence."""
    numbered = r"\d{1,2}[.)] "
    if line.size != last.size or re.match("[•–-] ", line.text):
        return False
    if re.match(numbered, line.text) and (last.text[-1] in ".:;" or re.match(numbered, first.text)):
        return False
    if same_page:
        return line.top - last.bottom <= 0.55 * line.size
    return line.size not in ranks and last.text[-1] not in ".:;!?"
