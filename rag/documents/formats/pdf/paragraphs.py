"""Paragraphs and headings of a PDF file, joined of the lines of its pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from statistics import mode

from rag.documents.formats.base.sections import Block, flat
from rag.documents.formats.pdf.hyphens import join_lines, words_within
from rag.documents.formats.pdf.page import Item, PdfLine
from rag.documents.formats.pdf.running import Numbered, without_running_lines
from rag.documents.formats.pdf.tables import PdfTable

LARGER = 0.8  # points by which a heading is larger than the body, and notes at the foot are smaller
LINE_GAP = 0.55  # space between the lines of a paragraph at most, in font sizes
WIDE_GAP = 0.9  # the same in mid-sentence, where a superscript moves lines apart
INDENT = 0.7  # of a paragraph's first line at least, in font sizes
NUMBERED = re.compile(r"\d{1,2}[.)] ")
BULLET = re.compile("[•▪●○–-] ")
NOTE = re.compile(r"[*†‡§¶]|[¹²³⁴⁵⁶⁷⁸⁹⁰]|\[?\d{1,3}[\])]? ")
CAPTION = re.compile(r"(?i)(tab(le|elle|leau)?|fig(ure)?|abb(ildung)?|bild)\.? ?[A-Z]?\.?\d")
CONTINUED = re.compile(r"(?i).{0,60}(continued|cont[’']?d|fortsetzung|fortgesetzt|suite)\W*\w{0,12}\W*")
SENTENCE_END = tuple(".:;!?")


def document_blocks(pages: list[tuple[Item, ...]]) -> list[Block]:
    """Return the paragraphs, headings and table rows of all pages; notes stand after the paragraph that they follow."""
    sizes = [line.size for page in pages for line in page if isinstance(line, PdfLine)]
    body = mode(sizes) if sizes else 0
    heading_sizes = sorted({size for size in sizes if size > body + LARGER}, reverse=True)
    kept = without_running_lines(pages)
    words = words_within(item.text for _, item in kept if isinstance(item, PdfLine))
    aside = _notes([each for each in kept], body)
    main = [each for each in kept if id(each[1]) not in aside]
    beside = [each for each in kept if id(each[1]) in aside]
    main = _floats_after(_joined_tables(main))
    return list(_merged(_blocks(main, heading_sizes, words), _blocks(beside, heading_sizes, words)))


def _notes(items: list[Numbered], body: float) -> set[int]:
    """Return the id() of the lines that stand aside: in boxes, and notes at the foot of a column."""
    found = {id(item) for _, item in items if isinstance(item, PdfLine) and item.aside}
    columns: dict[tuple[int, int], list[PdfLine]] = {}
    for page, item in items:
        if isinstance(item, PdfLine) and not item.aside:
            columns.setdefault((page, item.column), []).append(item)
    for lines in columns.values():
        small: list[PdfLine] = []
        for line in reversed(lines):
            if line.size > body - LARGER:
                break
            small.insert(0, line)
        first = next((n for n, line in enumerate(small) if line.mark or NOTE.match(line.text)), len(small))
        if len(small) < len(lines):
            found |= {id(line) for line in small[first:]}
    return found


def _joined_tables(items: list[Numbered]) -> list[Numbered]:
    """Join each table with its rest on the next page, below nothing but a line that says so."""
    found: list[Numbered] = []
    for page, item in items:
        if isinstance(item, PdfTable) and (begun := _begun_table(found)):
            first, table = begun
            if table.pages[-1] == page - 1 and table.goes_on_in(item):
                del found[-1 if isinstance(found[-1][1], PdfTable) else -2 :]
                page, item = first, table.joined(item)
        found.append((page, item))
    return found


def _begun_table(items: list[Numbered]) -> tuple[int, PdfTable] | None:
    for page, item in reversed(items[-2:]):
        if isinstance(item, PdfTable):
            return page, item
        if not CONTINUED.fullmatch(item.text):
            return None
    return None


def _floats_after(items: list[Numbered]) -> list[Numbered]:
    """Move tables, and captions, that stand amid a sentence behind the line that ends it."""
    found, waiting = list[Numbered](), list[Numbered]()
    for n, (page, item) in enumerate(items):
        before = found[-1][1] if found else None
        if isinstance(item, PdfLine) and not CAPTION.match(item.text):
            if waiting and isinstance(before, PdfLine) and page == waiting[0][0]:
                item = replace(item, top=before.bottom, column=before.column)
            found.append((page, item))
            if waiting and (
                item.text.endswith(SENTENCE_END) or n + 1 == len(items) or not _is_rest(items[n + 1][1], item)
            ):
                found += waiting
                waiting = []
        elif waiting or (isinstance(before, PdfLine) and _is_rest(_next_line(items[n:]), before)):
            waiting.append((page, item))
        else:
            found.append((page, item))
    return found + waiting


def _next_line(items: list[Numbered]) -> PdfLine | None:
    lines = (item for _, item in items[:6] if isinstance(item, PdfLine))
    return next((line for line in lines if not CAPTION.match(line.text)), None)


def _is_rest(line: Item | None, before: PdfLine) -> bool:
    """Return whether a line goes on with a sentence that the line before does not end."""
    if not isinstance(line, PdfLine) or line.size != before.size or line.mark:
        return False
    return not before.text.endswith(SENTENCE_END) and line.text[0].islower()


def _merged(main: Iterable[Block], beside: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks beside the main text after what of it begins on their page."""
    waiting = list(beside)
    for block in main:
        while waiting and (waiting[0].page or 0) < (block.page or 0):
            yield waiting.pop(0)
        yield block
    yield from waiting


def _blocks(items: list[Numbered], heading_sizes: list[float], words: frozenset[str]) -> Iterator[Block]:
    """Yield paragraphs, headings, whose level is the rank of their size, and rows.

    A paragraph stands on the page that it begins on.
    """
    paragraph: list[tuple[int, PdfLine]] = []

    def ended() -> Iterator[Block]:
        if paragraph:
            page, first = paragraph[0]
            level = heading_sizes.index(first.size) + 1 if first.size in heading_sizes and not first.aside else 0
            yield Block(flat(join_lines((line.text for _, line in paragraph), words)), level, page)
            paragraph.clear()

    for page, item in items:
        if isinstance(item, PdfTable):
            above = list(ended())
            yield from above
            yield from item.blocks(above[0].text if above and CAPTION.match(above[0].text) else "")
            continue
        if paragraph and not _goes_on(paragraph, page, item, item.size in heading_sizes):
            yield from ended()
        paragraph.append((page, item))
    yield from ended()


def _goes_on(paragraph: list[tuple[int, PdfLine]], page: int, line: PdfLine, is_heading: bool) -> bool:
    """Return whether `line` goes on with a paragraph.

    It has one size, and is close below, or over a break of page or column in mid-sentence.
    """
    (_, first), (last_page, last) = paragraph[0], paragraph[-1]
    if line.size != last.size or line.mark or line.aside != last.aside or BULLET.match(line.text):
        return False
    if NUMBERED.match(line.text) and (last.text[-1] in ".:;" or NUMBERED.match(first.text)):
        return False
    ended, gap = last.text.endswith(SENTENCE_END), line.top - last.bottom
    if page != last_page or line.column != last.column:
        return not is_heading and not ended and (last.full or line.text[0].islower())
    if ended and _is_indented(line, last) and not (NUMBERED.match(last.text) or BULLET.match(last.text)):
        return False
    return gap <= LINE_GAP * line.size or (gap <= WIDE_GAP * line.size and not ended and line.text[0].islower())


def _is_indented(line: PdfLine, last: PdfLine) -> bool:
    return line.x0 - line.left > INDENT * line.size and abs(last.x0 - last.left) < INDENT * line.size
