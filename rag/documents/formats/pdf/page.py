"""One page of a PDF file: its lines and tables in the order in which people read them, sideways ones turned."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rag.documents.formats.base.sections import flat
from rag.documents.formats.pdf.columns import Flow, reading_order
from rag.documents.formats.pdf.forms import field_words, notes
from rag.documents.formats.pdf.hidden import visible_page
from rag.documents.formats.pdf.ocr import recognised_words
from rag.documents.formats.pdf.pictures import can_recognise, is_scan, unread_parts
from rag.documents.formats.pdf.ruled_tables import frames, ruled_tables
from rag.documents.formats.pdf.tables import BoxOf, PdfTable, open_table
from rag.documents.formats.pdf.words import Word, first_mark, font_size, line_text, lines_of, words_of

if TYPE_CHECKING:
    from pdfplumber.page import Page

SKEW = 0.2  # of a character's height that upright text rises or falls at most, in its width
SHORT = 0.12  # of a column's width that a full line leaves white at most
ASKEW = -1  # what `angle` gives for text at another angle than a quarter turn


@dataclass(frozen=True)
class PdfLine:
    """A line of a page: text, font size, and place in points from the page's upper left corner.

    left: where its column begins. full: it reaches to where its column ends. column: the same number for all lines of
    one. aside: it stands beside the main text of the page, in a box or another direction. mark: of a note, with which
    it begins.
    """

    text: str
    size: float
    top: float
    bottom: float
    x0: float = 0.0
    left: float = 0.0
    full: bool = True
    column: int = 0
    aside: bool = False
    mark: str = ""

    @property
    def place(self) -> tuple[str, int]:
        """Return what is the same on each page for a running head or foot, whatever its page number."""
        return re.sub(r"\d+", "\0", self.text), round(self.top)


Item = PdfLine | PdfTable


@dataclass(frozen=True)
class PageText:
    """What was read of a page: its lines and tables in order, and a line for each part that could not be read."""

    items: tuple[Item, ...]
    unread: tuple[str, ...] = ()


def read_page(page: Page) -> PageText:
    """Return what people read on a page, form values and comments too."""
    seen = visible_page(page)
    words = words_of(seen.chars)
    scanned = is_scan(seen, words) and can_recognise()
    if scanned and (recognised := recognised_words(page)):
        return PageText(tuple(_ordered_items(recognised, [], [], page.page_number)))
    unread = unread_parts(seen, words)
    items = _directions(page, seen, words)
    items += [PdfLine(text, 0, top, top, aside=True, mark="*") for top, text in notes(page)]
    askew = "".join(char["text"] for char in seen.chars if angle(char) == ASKEW).strip()
    return PageText(tuple(items), (*unread, f"text set askew: {askew[:40]}") if askew else tuple(unread))


def _directions(page: Page, seen: Page, words: list[Word]) -> list[Item]:
    """Return the text in the direction of most of it, then what stands in the others."""
    values = field_words(page, words) if page.page_obj.annots else []
    count = Counter(angle(char) for char in seen.chars if not char["text"].isspace())
    main = max((0, 90, 180, 270), key=lambda turn: count[turn])
    items: list[Item] = []
    turns = {main, *count} - {ASKEW} | ({0} if values else set())
    for turn in sorted(turns, key=lambda turn: turn != main):
        shown = seen if turn == 0 else visible_page(_turned(page, turn))
        upright = shown.filter(lambda item: item["object_type"] != "char" or angle(item) == 0)
        found = list(_items(upright, [] if turn else values))
        items += found if turn == main else [replace(i, aside=True) if isinstance(i, PdfLine) else i for i in found]
    return items


def angle(char: dict[str, Any]) -> int:
    """Return the quarter turns, in degrees, after which a character stands upright; ASKEW if none makes it so."""
    a, b, c, d = char["matrix"][:4]
    if abs(b) <= SKEW * abs(a):
        return 0 if a > 0 else 180
    if abs(a) <= SKEW * abs(b):
        return 90 if b > 0 else 270
    return ASKEW


def _turned(page: Page, turn: int) -> Page:
    """Return the page as it looks when it is turned so many degrees to the right."""
    from pdfplumber.page import Page

    turned = copy.copy(page.page_obj)
    turned.rotate = (page.rotation + turn) % 360
    turned.attrs = {**page.page_obj.attrs, "Rotate": turned.rotate}
    return Page(page.pdf, turned, page.page_number, page.initial_doctop)


def _items(page: Page, values: list[Word]) -> Iterator[Item]:
    words = words_of(page.chars) + values
    found = list(ruled_tables(page, words))
    in_tables = {id(word) for _, held in found for word in held}
    words = [word for word in words if id(word) not in in_tables]
    around = frames(page) if words else []
    yield from _ordered_items(words, [table for table, _ in found], around, page.page_number)


def _ordered_items(words: list[Word], tables: list[PdfTable], around: list[BoxOf], page: int) -> Iterator[Item]:
    flows = [(flow, aside) for boxes, aside in _apart(words, tables, around) for flow in reading_order(boxes)]
    marks = {first_mark(line) for flow, _ in flows for line in lines_of(w for w in flow.boxes if isinstance(w, Word))}
    for column, (flow, aside) in enumerate(flows):
        yield from _flow_items(flow, page, column, aside, marks - {""})


def _apart(words: list[Word], tables: list[PdfTable], around: list[BoxOf]) -> Iterator[tuple[list[Any], bool]]:
    """Yield what stands on the page, then what stands in each frame beside it."""
    held: list[list[Word]] = []
    for box in sorted(around, key=lambda box: (box[3] - box[1]) * (box[0] - box[2])):
        inside = [w for w in words if box[0] <= w.x0 and w.x1 <= box[2] and box[1] <= (w.top + w.bottom) / 2 <= box[3]]
        kept = {id(word) for word in inside}
        rest = [word for word in words if id(word) not in kept]
        level = [w for w in rest if box[1] < (w.top + w.bottom) / 2 < box[3]]
        if inside and level and len(inside) < len(rest):
            held.append(inside)
            words = rest
    yield [*words, *tables], False
    for inside in sorted(held, key=lambda inside: inside[0].top):
        yield inside, True


def _flow_items(flow: Flow, page: int, column: int, aside: bool, marks: set[str]) -> Iterator[Item]:
    """Yield the lines and tables of a flow. marks: of the notes at the foot of the page."""
    words = [box for box in flow.boxes if isinstance(box, Word)]
    if flow.strips:
        yield open_table(words, flow.strips, page)
        return
    tables = sorted((box for box in flow.boxes if isinstance(box, PdfTable)), key=lambda table: table.top)
    lines = lines_of(words)
    left, right = min((line[0].x0 for line in lines), default=0), max((line[-1].x1 for line in lines), default=0)
    for line in lines:
        while tables and tables[0].top < line[0].top:
            yield tables.pop(0)
        size = font_size(line)
        base = next(word for word in line if round(word.size, 1) == size)
        text = re.sub(r"[ \t\n\r\f\v]+", " ", line_text(line, marks)).strip()
        if flat(text):  # a line of invisible characters has none
            full = line[-1].x1 >= right - SHORT * (right - left)
            yield PdfLine(text, size, base.top, base.bottom, line[0].x0, left, full, column, aside, first_mark(line))
    yield from tables
