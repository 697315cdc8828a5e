"""Words of a PDF page, made of characters that stand together, and the lines that words stand in."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

WORD_GAP = 0.15  # between two words at least, in font sizes; LaTeX sets 0.22 where it squeezes a line
OVERLAP = -0.5  # of the characters of a word at most, in font sizes
SAME_SIZE = 0.06  # the part by which the characters of a word differ in size at most
RAISED = 0.15  # by which a superscript's lower edge is above the line's, in font sizes
SMALL = 0.87  # of the line's font size; superscripts and subscripts have at most that
INITIAL = 1.8  # of the line's font size; an initial that stands beside several lines has at least that
CODE = re.compile(r"\(cid:\d+\)")  # what stands for a character that the font gives no Unicode value
UNUSED_CODE = "(cid:127)"  # in WinAnsi, which the PDF standard reads as a bullet
SYMBOLS = {UNUSED_CODE: "•", "\uf0b7": "•", "\uf0a7": "▪"}
ACCENTS = dict(zip("¨´`ˆ˜¸ˇ˚", "\u0308\u0301\u0300\u0302\u0303\u0327\u030c\u030a", strict=True))
SUPERSCRIPTS = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
# What stands before a superscript that is an exponent and no mark of a note: a unit or variable, or a number.
UNIT = re.compile(r"(?:^|[^A-Za-z])(?:[kcdmµ]?m|ft|in|yd|mi|s|h|[a-zA-Z])$")
NUMBER = re.compile(r"\d$|\)$")


@dataclass(frozen=True)
class Word:
    """A word, or a part of one that has another size: text, box in points from the page's upper left, font size."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float


def words_of(chars: Iterable[dict[str, Any]]) -> list[Word]:
    """Return the words that characters make up, in the order in which the file draws them."""
    found: list[Word] = []
    word: Word | None = None
    for char in _each_once(chars):
        part = _as_word(char)
        if word and part.text and _goes_on(word, part):
            word = _joined(word, part)
            continue
        if word and word.text.strip():
            found.append(word)
        word = part if part.text else None
    if word and word.text.strip():
        found.append(word)
    return found


def _as_word(char: dict[str, Any]) -> Word:
    text = SYMBOLS.get(char["text"], char["text"])
    if "\ufb00" <= text <= "\ufb06":  # ligatures
        text = unicodedata.normalize("NFKC", text)
    text = "" if text.isspace() or CODE.fullmatch(text) else text
    return Word(text, char["x0"], char["top"], char["x1"], char["bottom"], char["size"])


def _each_once(chars: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield characters but those drawn again in nearly the same place, which makes them look bold or shadowed."""
    seen: dict[tuple[str, int, int], tuple[float, float]] = {}
    for char in chars:
        near = 0.1 * char["size"]
        text, x, y = char["text"], int(char["x0"] // (2 * near or 1)), int(char["top"] // (2 * near or 1))
        around = (seen.get((text, x + dx, y + dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
        if any(at and abs(at[0] - char["x0"]) < near and abs(at[1] - char["top"]) < near for at in around):
            continue
        seen[text, x, y] = char["x0"], char["top"]
        yield char


def _goes_on(word: Word, part: Word) -> bool:
    if word.text in ACCENTS and word.x0 < part.x1 and part.x0 < word.x1:
        return True
    size = max(word.size, part.size)
    if len(word.text) == 1 and word.text.isupper() and word.size > INITIAL * part.size:
        return part.text.isalpha() and word.top <= part.bottom <= word.bottom and 0 <= part.x0 - word.x1 < part.size
    return (
        abs(word.size - part.size) <= SAME_SIZE * size
        and abs(word.bottom - part.bottom) <= RAISED * size
        and OVERLAP * size < part.x0 - word.x1 <= WORD_GAP * size
    )


def _joined(word: Word, part: Word) -> Word:
    if word.text in ACCENTS:
        text = unicodedata.normalize("NFC", part.text + ACCENTS[word.text])
        return replace(part, text=text)
    if word.text[-1] in ACCENTS and word.x1 > part.x0 + 0.5 * (part.x1 - part.x0):
        text = word.text[:-1] + unicodedata.normalize("NFC", part.text + ACCENTS[word.text[-1]])
        return replace(word, text=text, x1=max(word.x1, part.x1))
    if word.size > INITIAL * part.size:  # an initial goes with the first of the lines beside it
        return replace(part, text=word.text + part.text, x0=word.x0)
    return replace(word, text=word.text + part.text, x1=part.x1, top=min(word.top, part.top))


def lines_of(words: Iterable[Word]) -> list[list[Word]]:
    """Return the words of each line from left to right, the lines from top to bottom; there is one column only."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (-round(word.size, 1), word.top)):
        for line in reversed(lines):
            if _on_one_line(line[0], word):
                line.append(word)
                break
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.x0) for line in sorted(lines, key=lambda line: line[0].bottom)]


def _on_one_line(first: Word, word: Word) -> bool:
    height = max(min(first.bottom - first.top, word.bottom - word.top), 0.1)
    shared = min(first.bottom, word.bottom) - max(first.top, word.top)
    distance = abs(first.top + first.bottom - word.top - word.bottom) / 2
    return shared >= 0.5 * height and distance <= 0.75 * height


def font_size(words: Iterable[Word]) -> float:
    """Return the font size of most characters."""
    count: Counter[float] = Counter()
    for word in words:
        count[round(word.size, 1)] += len(word.text)
    return max(count, key=lambda size: (count[size], size))


def first_mark(line: list[Word]) -> str:
    """Return the superscript that a line begins with, as a note at the foot of a page does; "" if it does not."""
    return line[0].text if len(line) > 1 and _is_raised(line[0], line) else ""


def line_text(line: list[Word], notes: frozenset[str] | set[str] = frozenset()) -> str:
    """Return the text of a line; a superscript becomes one of Unicode's, set apart unless it is an exponent.

    notes: marks of the notes at the foot of the page.
    """
    text, size = "", font_size(line) if line else 0
    for n, word in enumerate(line):
        apart = n > 0 and word.x0 - line[n - 1].x1 > WORD_GAP * max(size, word.size)
        if not _is_raised(word, line) or (apart and not word.text.isdigit()):
            text += " " * apart + word.text
        elif n == 0:
            text += word.text.translate(SUPERSCRIPTS) + " "
        else:
            text += " " * (apart or not _is_exponent(text, word.text, notes)) + word.text.translate(SUPERSCRIPTS)
            apart_next = n + 1 < len(line) and line[n + 1].text[0].isalnum()
            text += " " * (apart_next and not _is_exponent(text, word.text, notes))
    return text


def _is_exponent(before: str, mark: str, notes: frozenset[str] | set[str]) -> bool:
    if mark.isalpha() and len(mark) > 1:  # 5th
        return True
    return bool(UNIT.search(before)) or (mark not in notes and bool(NUMBER.search(before)))


def _is_raised(word: Word, line: list[Word]) -> bool:
    size = font_size(line)
    if word.size > SMALL * size:
        return False
    bottom = min(other.bottom for other in line if other.size > SMALL * size)
    return word.bottom < bottom - RAISED * size
