"""Text of a PDF page that nobody sees: in no colour or the paper's, too small to read, or beside the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pdfminer.pdfinterp import PDFPageInterpreter
from pdfplumber.page import Page, PDFPageAggregatorWithMarkedContent

if TYPE_CHECKING:
    from pdfminer.pdfinterp import PDFTextState

# Tags of characters that are drawn without ink, and of those whose outline has a colour of its own.
WITHOUT_INK, OUTLINED = "rag-without-ink", "rag-outlined"
# Text rendering modes (ISO 32000-1, 9.3.6); the others fill characters.
MODES = {1: OUTLINED, 2: OUTLINED, 3: WITHOUT_INK, 5: OUTLINED, 6: OUTLINED, 7: WITHOUT_INK}
# Colour spaces whose numbers say nothing about lightness: in a spot colour 1 is full ink.
OTHER_SPACES = ("Separation", "DeviceN", "Indexed", "Pattern")
TOO_SMALL = 3.0  # points; print below it is not meant to be read
LIGHT = 0.9  # the least red, green and blue of a light colour, white having 1
Item = dict[str, Any]  # a character or shape, as pdfplumber gives it


class _TaggingDevice(PDFPageAggregatorWithMarkedContent):
    """Tags each character with what its text rendering mode means."""

    def render_string(self, textstate: PDFTextState, *rest: Any) -> None:
        outer, self.cur_tag = self.cur_tag, MODES.get(textstate.render, self.cur_tag)
        super().render_string(textstate, *rest)
        self.cur_tag = outer


def visible_page(page: Page) -> Page:
    """Return the page without characters that are not seen.

    Text without ink stays where it lies on a picture: that is how recognised text (OCR) is kept.
    """
    device = _TaggingDevice(page.pdf.rsrcmgr, pageno=page.page_number, laparams=page.pdf.laparams)
    PDFPageInterpreter(page.pdf.rsrcmgr, device).process_page(page.page_obj)
    page._layout = device.get_result()  # where pdfplumber keeps what it would have made with a device of its own
    is_seen = _visibility(page)
    return page.filter(lambda item: item["object_type"] != "char" or is_seen(item))


def _visibility(page: Page) -> Callable[[Item], bool]:
    """Return a function that says whether a character of the page is seen."""
    dark = [
        shape
        for shape in (*page.rects, *page.curves)
        if shape.get("fill") and not _is_light(shape.get("non_stroking_color"))
    ]
    x0, top, x1, bottom = page.bbox

    def is_seen(char: Item) -> bool:
        x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
        if char["size"] < TOO_SMALL or not (x0 <= x <= x1 and top <= y <= bottom):
            return False
        if char["tag"] == WITHOUT_INK:
            return _lies_on(page.images, x, y)
        color = char["stroking_color" if char["tag"] == OUTLINED else "non_stroking_color"]
        return not _is_light(color, char.get("ncs", "")) or _lies_on(dark, x, y) or _lies_on(page.images, x, y)

    return is_seen


def _lies_on(shapes: list[Item], x: float, y: float) -> bool:
    return any(s["x0"] <= x <= s["x1"] and s["top"] <= y <= s["bottom"] for s in shapes)


def _is_light(color: object, space: str = "") -> bool:
    """Return whether a colour is white or nearly so: grey or RGB near 1, CMYK near 0. Patterns have no numbers."""
    parts = color if isinstance(color, tuple | list) else (color,)
    if space in OTHER_SPACES or not all(isinstance(part, int | float) for part in parts):
        return False
    if len(parts) == 4:
        return max(parts) <= 1 - LIGHT
    return len(parts) in (1, 3) and min(parts) >= LIGHT
