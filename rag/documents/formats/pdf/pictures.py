"""Pages of a PDF file whose text is only in a picture, or in a font without Unicode values."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from rag.documents.formats.pdf.words import CODE, UNUSED_CODE, Word

if TYPE_CHECKING:
    from pdfplumber.page import Page

PICTURE = 0.03  # of the page that a picture takes at least to be named
SCAN = 0.5  # of the page that the picture of a scanned page takes at least
STAMP = 40  # characters that may be printed onto a scanned page, such as a number or the scanner's name
LABEL = 10  # characters that may stand on another picture without making it text
UNREADABLE = 0.2  # of the characters of a page, from which on what is left of it makes no sense
OUTLINES = 150  # curves from which on a page without text may have letters drawn as shapes
EXTRA = "pip install 'ragtune[ocr]'"
INSTALL = f"{EXTRA} to have it read"


def is_scan(page: Page, words: list[Word]) -> bool:
    """Return whether a page is a picture of a page, or its text has no Unicode values."""
    few = sum(len(word.text) for word in words) <= STAMP
    return few and _picture_share(page, words) >= SCAN or has_unreadable_font(page)


def has_unreadable_font(page: Page) -> bool:
    """Return whether the file does not say which characters much of the text is made of."""
    texts = [char["text"] for char in page.chars if not char["text"].isspace()]
    unknown = sum(_is_unknown(text) for text in texts)
    return unknown > UNREADABLE * len(texts)


def _is_unknown(text: str) -> bool:
    return bool(CODE.fullmatch(text) and text != UNUSED_CODE) or "\ue000" <= text[:1] <= "\uefff" or text == "\ufffd"


def unread_parts(page: Page, words: list[Word]) -> list[str]:
    """Return a line for what a page shows and its text has not."""
    hint = "" if can_recognise() else f" ({INSTALL})"
    if has_unreadable_font(page):
        return [f"text in a font without Unicode values{hint}"]
    if not words and len(page.curves) >= OUTLINES:
        return [f"letters drawn as shapes{hint}"]
    share = _picture_share(page, words)
    if share >= PICTURE or (share and not words):
        return [f"picture without text{hint if is_scan(page, words) else ''}"]
    return []


def can_recognise() -> bool:
    """Return whether the packages of the extra are there."""
    return all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime"))


def _picture_share(page: Page, words: list[Word]) -> float:
    """Return how much of the page pictures take on which no text stands, about."""
    area = page.width * page.height
    share = 0.0
    for image in page.images:
        x0, x1 = max(image["x0"], page.bbox[0]), min(image["x1"], page.bbox[2])
        top, bottom = max(image["top"], page.bbox[1]), min(image["bottom"], page.bbox[3])
        over = sum(len(w.text) for w in words if x0 <= (w.x0 + w.x1) / 2 <= x1 and top <= w.top and w.bottom <= bottom)
        part = max(0.0, x1 - x0) * max(0.0, bottom - top) / max(area, 1.0)
        if over <= (STAMP if part >= SCAN else LABEL):
            share += part
    return min(share, 1.0)
