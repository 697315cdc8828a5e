"""Text of scanned pages, recognised by RapidOCR, whose models come with its package (`pip install 'ragtune[ocr]'`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from rag.documents.formats.base.limits import progress
from rag.documents.formats.pdf.words import Word

if TYPE_CHECKING:
    import numpy as np
    from pdfplumber.page import Page

DPI = 200  # at which a page is drawn; recognition gains nothing from more
LARGEST = 2600  # pixels of a drawn page's longer side at most
LONGER_SIDE = 960  # pixels in which lines are looked for: more take more than the parser's memory
SURE = 0.6  # of a line's score, below which it is noise
SAMPLE = 5  # lines that are read in each direction to find which is upright
MARGIN = 0.2  # of a line's height by which it is taken for shorter at each end, since its box may not be straight
SPACE = 0.2  # between words of a line, in font sizes
LONGEST = 20  # times its height that a line's picture is long at most
TO_SIZE = 0.75  # of a line's height that its font size is


def recognised_words(page: Page) -> list[Word]:
    """Return the words in the picture of a page."""
    image = _drawn(page)
    quarter_turns, boxes, upright = _upright(image)
    scale = (page.height if quarter_turns % 2 == 0 else page.width) / upright.shape[0]
    slope = median((box[1][1] - box[0][1]) / max(box[1][0] - box[0][0], 1) for box in boxes) if boxes else 0
    found = []
    for box in boxes:
        line = _picture(upright, box)
        text, score = _read(line)
        if score >= SURE and text.strip():
            found.append(_line(text.strip(), box, _ends(line), float(slope), scale))
    return [word for line in _evened(found) for word in _words(line)]


def _line(text: str, box: np.ndarray, ends: tuple[float, float], slope: float, scale: float) -> Word:
    """Return a line where it stands on a page that is not askew. ends: where its letters begin and end in its box."""
    height, width = float(abs(box[3][1] - box[0][1])), float(box[1][0] - box[0][0])
    x, y = (float(sum(corner[axis] for corner in box) / 4) for axis in (0, 1))
    x, y = x + slope * y - width / 2, y - slope * x
    x0, x1 = x + ends[0] * width + MARGIN * height, x + ends[1] * width - MARGIN * height
    top, bottom = (y - height / 2) * scale, (y + height / 2) * scale
    return Word(text, x0 * scale, top, max(x0, x1) * scale, bottom, height * scale * TO_SIZE)


def _words(line: Word) -> Iterator[Word]:
    """Yield the words of a line, each where its share of the characters puts it, with spaces too narrow for columns."""
    step = (line.x1 - line.x0) / len(line.text)
    for part in re.finditer(r"\S+", line.text):
        x0, x1 = line.x0 + part.start() * step, line.x0 + part.end() * step
        last = part.end() == len(line.text)
        yield replace(line, text=part[0], x0=x0, x1=x1 if last else max(x0, x1 + step - SPACE * line.size))


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
        tries.append((sum(_read(_picture(turned, box))[1] for box in longest), turns, lines, turned))
        if turns == 0 and tries[0][0] > 0.85 * len(longest):
            break
    return max(tries, key=lambda each: each[0])[1:]


def _lines(image: np.ndarray) -> list[np.ndarray]:
    found = _engine()(image, use_det=True, use_rec=False, use_cls=False).boxes
    progress()
    return [] if found is None else list(found)


def _picture(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    from rapidocr.utils.process_img import get_rotate_crop_image

    line: np.ndarray = get_rotate_crop_image(image, box)
    return line


def _read(line: np.ndarray) -> tuple[str, float]:
    """Return the text of a line, and how sure that is."""
    texts, scores = [], []
    for piece in _pieces(line):
        found = _engine()(piece, use_det=False, use_cls=False, use_rec=True)
        progress()
        if found.txts:
            texts.append(found.txts[0])
            scores.append(float(found.scores[0]))
    return " ".join(texts), min(scores, default=0.0)


def _white(line: np.ndarray) -> np.ndarray:
    """Return for each column of pixels of a line whether it has no ink."""
    darkest = line.reshape(*line.shape[:2], -1).min(axis=(0, 2)).astype(float)
    white: np.ndarray = darkest > (darkest.min() + darkest.max()) / 2
    return white


def _ends(line: np.ndarray) -> tuple[float, float]:
    """Return where in a line's picture, as shares of its width, the ink begins and ends."""
    inked = [n for n, white in enumerate(_white(line)) if not white]
    return inked[0] / line.shape[1], (inked[-1] + 1) / line.shape[1]


def _pieces(line: np.ndarray) -> list[np.ndarray]:
    """Return the parts of a line's picture, cut between words, since a long one takes more than the parser's memory."""
    height, width = line.shape[:2]
    if width <= LONGEST * height:
        return [line]
    third = width // 3
    white = _white(line)[third : 2 * third]
    runs, start = [], 0
    for n in range(1, len(white) + 1):
        if n == len(white) or white[n] != white[start]:
            runs.append((n - start if white[start] else 0, (start + n) // 2))
            start = n
    cut = third + max(runs)[1]
    return _pieces(line[:, :cut]) + _pieces(line[:, cut:])


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
