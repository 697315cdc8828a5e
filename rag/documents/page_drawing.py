"""The process that draws one page of a PDF file, and says where on it some words stand.

PDF files come from anywhere, and the library that draws them is written in C++: it runs in a process of its own, within
bounds of processor time and memory, and what it replies is data.
"""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from rag.core.errors import DocumentError
from rag.documents.formats.base.limits import start_clock
from rag.documents.marked_words import find_words, folded
from rag.documents.parser_protocol import OUT_OF_MEMORY, read_frame, write_frame
from rag.documents.parser_server import memory_of_at_most

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

WIDE, HIGH = 1200, 1700  # pixels at most
FINE = 100_000  # pixels of the imagined page on which boxes are measured, since they are whole numbers

Box = tuple[float, float, float, float]  # left, top, right, bottom as shares of the page's width and height


def serve() -> None:
    """Answer one request from stdin on what was stdout: a frame of JSON, and for a page that was drawn one of PNG."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request, data = json.loads(read_frame(sys.stdin.buffer) or b"{}"), read_frame(sys.stdin.buffer) or b""
    try:
        with memory_of_at_most(request["max_memory"]):
            start_clock(request["max_seconds"])
            facts, png = draw(data, request["number"], request["words"], request["before"])
        start_clock(0)
    except DocumentError as error:
        facts, png = {"reason": error.reason, "remedy": error.remedy}, b""
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    write_frame(replies, json.dumps(facts).encode())
    write_frame(replies, png)
    replies.flush()


def draw(data: bytes, number: int, words: str, before: int) -> tuple[dict[str, Any], bytes]:
    """Draw a page, and return facts and a PNG file.

    number: of the page, from 1. words: to be marked. before: how often they stand earlier on the page. The facts are
    the number of pages, width and height in pixels, and the boxes of the words. Raises DocumentError where the file
    can't be read or has no such page.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
        if not 1 <= number <= pages:
            raise DocumentError(f"it has {pages} pages", "ask for one of them")
        page = document[number - 1]
        image = page.render(scale=min(WIDE / page.get_width(), HIGH / page.get_height())).to_pil()
        boxes = _boxes(page, words, before)
    except (pypdfium2.PdfiumError, ZeroDivisionError) as error:
        raise DocumentError(f"the page can't be drawn ({error})", "open the file in another program") from error
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"pages": pages, "width": image.width, "height": image.height, "marks": boxes}, file.getvalue()


def _boxes(page: PdfPage, words: str, before: int) -> list[Box]:
    """Return a box for each line that has some of the words."""
    from pypdfium2 import raw

    text = page.get_textpage()
    letters = [chr(raw.FPDFText_GetUnicode(text, n) or 32) for n in range(text.count_chars())]
    shown, places = folded(letters)
    found: list[Box] = []
    for first, last in find_words(shown, words, before):
        lines: list[Box] = []
        for place in places[first:last]:
            _add(lines, _letter_box(page, text, place))
        found += lines
    return found


def _letter_box(page: PdfPage, text: PdfTextPage, place: int) -> Box:
    from ctypes import c_int

    from pypdfium2 import raw

    left, bottom, right, top = text.get_charbox(place, loose=True)
    corners = []
    for x, y in ((left, top), (right, bottom)):
        across, down = c_int(), c_int()
        # It heeds how the page is turned and cropped.
        raw.FPDF_PageToDevice(page, 0, 0, FINE, FINE, 0, x, y, across, down)
        corners.append((min(1.0, max(0.0, across.value / FINE)), min(1.0, max(0.0, down.value / FINE))))
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _add(lines: list[Box], letter: Box) -> None:
    """Let the last line reach to a letter that stands on it, else begin a new one."""
    left, top, right, bottom = letter
    if lines:
        x0, y0, x1, y1 = lines[-1]
        if min(y1, bottom) - max(y0, top) > 0.5 * min(y1 - y0, bottom - top) and left >= x0:
            lines[-1] = x0, min(y0, top), max(x1, right), max(y1, bottom)
            return
    lines.append(letter)
