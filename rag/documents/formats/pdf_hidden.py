"""Text of a PDF page that nobody sees: drawn in no colour or in the paper's, too small to read, or beside the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pdfminer.pdfinterp import PDFPageInterpreter
from pdfplumber.page import Page, PDFPageAggregatorWithMarkedContent

UNSHOWN, OUTLINED = (
    "rag-unshown",
    "rag-outlined",
)  # tags of characters that are drawn without ink, and of those whose outline has a colour of its own
MODES = {
    1: OUTLINED,
    2: OUTLINED,
    3: UNSHOWN,
    5: OUTLINED,
    6: OUTLINED,
    7: UNSHOWN,
}  # text rendering modes (ISO 32000-1, 9.3.6)
SMALL = 3.0  # points; print below it is not meant to be read
LIGHT = 0.9  # least of each of a light colour's parts, 1 being white


class _Device(PDFPageAggregatorWithMarkedContent):
    def render_string(self, textstate: Any, *rest: Any) -> None:
        outer, self.cur_tag = self.cur_tag, MODES.get(textstate.render, self.cur_tag)
        super().render_string(textstate, *rest)
        self.cur_tag = outer


def visible_page(page: Page) -> Page:
    """-> the page without characters that are not seen. Text without ink stays where it lies on a picture: that is how recognised text (OCR) is kept."""
    device = _Device(page.pdf.rsrcmgr, pageno=page.page_number, laparams=page.pdf.laparams)
    PDFPageInterpreter(page.pdf.rsrcmgr, device).process_page(page.page_obj)
    page._layout = device.get_result()  # where pdfplumber keeps what it would have made with a device of its own
    shown = _shown(page)
    return page.filter(lambda obj: obj["object_type"] != "char" or shown(obj))


def _shown(page: Page) -> Callable[[dict], bool]:
    dark = [
        shape
        for shape in (*page.rects, *page.curves)
        if shape.get("fill") and not _is_light(shape.get("non_stroking_color"))
    ]
    x0, top, x1, bottom = page.bbox

    def shown(char: dict) -> bool:
        x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
        if char["size"] < SMALL or not (x0 <= x <= x1 and top <= y <= bottom):
            return False
        if char["tag"] == UNSHOWN:
            return _lies_on(page.images, x, y)
        color = char["stroking_color" if char["tag"] == OUTLINED else "non_stroking_color"]
        return not _is_light(color, char.get("ncs", "")) or _lies_on(dark, x, y) or _lies_on(page.images, x, y)

    return shown


def _lies_on(shapes: list[dict], x: float, y: float) -> bool:
    return any(s["x0"] <= x <= s["x1"] and s["top"] <= y <= s["bottom"] for s in shapes)


def _is_light(color: Any, space: str = "") -> bool:
    """Whether a colour is white or nearly so: grey or RGB near 1, CMYK near 0. In a spot colour 1 is full ink; patterns have no numbers."""
    parts = color if isinstance(color, tuple | list) else (color,)
    if not all(isinstance(part, int | float) for part in parts) or space in (
        "Separation",
        "DeviceN",
        "Indexed",
        "Pattern",
    ):
        return False
    if len(parts) == 4:
        return max(parts) <= 1 - LIGHT
    return len(parts) in (1, 3) and min(parts) >= LIGHT
