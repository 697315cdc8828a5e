"""Text of scanned pages, recognised by RapidOCR, whose models come with its package (`pip install 'ragtune[ocr]'`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from rag.documents.formats.limits import progress
from rag.documents.formats.pdf_words import Word

if TYPE_CHECKING:
    import numpy as np
    from pdfplumber.page import Page

DPI = 200  # at which a page is drawn; recognition gains nothing from more
LARGEST = 2600  # pixels of a drawn page's longer side at most
LONGER_SIDE = 960  # pixels in which lines are looked for: more take more than the parser's memory
SURE = 0.6  # of a line's score, below which it is noise
SAMPLE = 5  # lines that are read in each direction to find which is upright
TO_SIZE = 0.75  # of a line's height that its font size is


def recognised_words(page: Page) -> list[Word]:
    """Return the words in the picture of a page."""
    image = _drawn(page)
    quarter_turns, boxes, upright = _upright(image)
    scale = (page.height if quarter_turns % 2 == 0 else page.width) / upright.shape[0]
    found = []
    for box in boxes:
        text, score = _read(upright, box)
        if score >= SURE and text.strip():
            (x0, top), (x1, bottom) = (box.min(axis=0) * scale).tolist(), (box.max(axis=0) * scale).tolist()
            found.append(Word(text.strip(), x0, top, x1, bottom, (bottom - top) * TO_SIZE))
    return [word for line in _evened(found) for word in _words(line)]


def _words(line: Word) -> Iterator[Word]:
    """Yield the words of a line, each where its share of the characters puts it."""
    step = (line.x1 - line.x0) / len(line.text)
    for part in re.finditer(r"\S+", line.text):
        yield replace(line, text=part[0], x0=line.x0 + part.start() * step, x1=line.x0 + part.end() * step)


def _drawn(page: Page) -> np.ndarray:
    import pypdfium2

    page.pdf.stream.seek(0)
    drawn = pypdfium2.PdfDocument(page.pdf.stream.read())[page.page_number - 1]
    scale = min(DPI / 72, LARGEST / max(drawn.get_size()))
    image: np.ndarray = drawn.render(scale=scale).to_numpy()
    progress()
    return image


def _upright(image: np.ndarray) -> tuple[int, list[np.ndarray], np.ndarray]:
    """Return by how many quarter turns the picture is upright, the boxes of its lines, and the picture upright."""
    import numpy as np

    boxes = _lines(image)
    tall = sum(np.ptp(box[:, 1]) > 1.5 * np.ptp(box[:, 0]) for box in boxes)
    tries = []
    for turns in (1, 3) if tall > len(boxes) / 2 else (0, 2):
        turned = np.ascontiguousarray(np.rot90(image, turns))
        lines = boxes if turns == 0 else _lines(turned)
        longest = sorted(lines, key=lambda box: -np.ptp(box[:, 0]))[:SAMPLE]
        tries.append((sum(_read(turned, box)[1] for box in longest), turns, lines, turned))
        if turns == 0 and tries[0][0] > 0.85 * len(longest):
            break
    return max(tries, key=lambda each: each[0])[1:]


def _lines(image: np.ndarray) -> list[np.ndarray]:
    found = _engine()(image, use_rec=False, use_cls=False).boxes
    progress()
    return [] if found is None else list(found)


def _read(image: np.ndarray, box: np.ndarray) -> tuple[str, float]:
    from rapidocr.utils.process_img import get_rotate_crop_image

    found = _engine()(get_rotate_crop_image(image, box), use_det=False, use_cls=False, use_rec=True)
    progress()
    return (found.txts[0], float(found.scores[0])) if found.txts else ("", 0.0)


def _evened(words: list[Word]) -> list[Word]:
    """Return lines of about the usual height as of one font size, since their heights vary with their letters."""
    usual = median(word.size for word in words) if words else 0.0
    evened = []
    for word in words:
        size = round(usual if 0.8 * usual <= word.size <= 1.2 * usual else word.size, 1)
        middle = (word.top + word.bottom) / 2
        evened.append(replace(word, size=size, top=middle - size * 0.6, bottom=middle + size * 0.6))
    return evened


@cache
def _engine() -> Any:
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    one = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    limits = {"Global.max_side_len": LONGER_SIDE, "Rec.rec_batch_num": 1}
    engine = RapidOCR(params={"Global.log_level": "critical", "Global.use_cls": False, **one, **limits})
    progress()
    return engine
