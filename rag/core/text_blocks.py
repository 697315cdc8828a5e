"""The lines of a text joined to what belongs together: paragraphs, list items, table rows, headings, lines of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rag.core.abbreviations import BEFORE_NUMBER, BEFORE_ORDINAL, MONTHS

FENCE = re.compile(r"[ \t>]*(?:`{3,}|~{3,})([^`|\n]{0,40})")
_RULE = re.compile(r"[ \t>]*(?:([-=~_*#^\"'`.:+])(?:[ \t]*\1){2,}|[|+][ \t|:+=-]*|:?-+:?[ \t]*\|[ \t:|-]*)[ \t]*")
_HEADING = re.compile(r"#{1,6}[ \t]+\S")
_ITEM = re.compile(
    r"[ \t>]*(?:[-*+•‣◦▪·●○■][ \t]|#|\d{1,3}[.)][ \t]|\d{1,3}(?:\.\d{1,3})+[.)]?[ \t]+[A-Z]"
    r"|\(?(?:[a-z]|[ivx]{2,5})\)[ \t]|[a-z]\.[ \t]+[A-Z])"
)
_DASH = re.compile(r"[ \t]*[–—][ \t]")
_ORDINAL = re.compile(r"[ \t]*\d{1,2}\.[ \t]+([^\W\d_]+)")
_LAST_WORD = re.compile(r"([^\W\d_]+)(\.?)\s*$")
_FIELD = re.compile(r"[^\n:;]{1,40}: [^\n;]*; ")
_BORDERS = re.compile(r"[ \t]*\||[^\n|]*(?:\| [^\n|]*){2}")
_ROW = re.compile(r"[^\n:;]{1,60}: [^\n;]*(?:; [^\n:;]{1,60}: [^\n;]*)+;?[ \t]*$")


_CODE_FOLLOWS = re.compile(
    r"^[ \t]*\.\. (?:code-block|code|sourcecode|parsed-literal)::|::[ \t]*$"
)  # in reStructuredText


class TextBlock(NamedTuple):
    """A span of a text. whole: it is a heading, a table row or a line of code, so it is not cut into sentences."""

    start: int
    end: int
    whole: bool


class _Line(NamedTuple):
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def text_blocks(text: str) -> Iterator[TextBlock]:
    """Yield the blocks of a text in order. Empty lines, rules and the fences around code are in none."""
    block: list[_Line] = []
    was_code = False
    for line, in_code in _marked_code(_lines(text)):
        nothing = is_fence(line.text) or _says_nothing(line.text)
        if block and (nothing or in_code != was_code or _begins(line, block, in_code)):
            yield _joined(block, was_code)
            block = []
        if not nothing:
            block.append(line)
        was_code = in_code
    if block:
        yield _joined(block, was_code)


def code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each line of code, and of each fence around code."""
    for line, in_code in _marked_code(_lines(text)):
        if in_code or is_fence(line.text):
            yield line.start, line.end


def _marked_code(lines: list[_Line]) -> Iterator[tuple[_Line, bool]]:
    """Yield each line, and whether it is code: between fences, or set in after a line that says that code follows."""
    fenced, outer = _begins_in_code(lines), -1
    for line in lines:
        indent = len(line.text) - len(line.text.lstrip())
        if line.text.strip() and indent <= outer:
            outer = -1
        fence = is_fence(line.text)
        yield line, not fence and (fenced or outer >= 0)
        fenced ^= fence
        if outer < 0 and not fenced and "::" in line.text and _CODE_FOLLOWS.search(line.text):
            outer = indent


def is_fence(line: str) -> bool:
    """Return whether the line opens or closes fenced code."""
    return ("```" in line or "~~~" in line) and FENCE.fullmatch(line) is not None


def _says_nothing(line: str) -> bool:
    words = line.strip()
    return not words or not words[0].isalnum() and _RULE.fullmatch(line) is not None


def _lines(text: str) -> list[_Line]:
    lines, start = [], 0
    for line in text.split("\n"):
        lines.append(_Line(start, line))
        start += len(line) + 1
    return lines


def _begins_in_code(lines: list[_Line]) -> bool:
    """Return whether the text begins within fenced code: its first fence names no language and ends a paragraph."""
    first = next((n for n, line in enumerate(lines) if is_fence(line.text)), None)
    if first is None or lines[first].text.strip(" \t>`~"):
        return False
    return not any(line.text.strip() for line in lines[first + 1 : first + 2])


def _joined(lines: list[_Line], in_code: bool) -> TextBlock:
    return TextBlock(lines[0].start, lines[-1].end, in_code or _is_whole(lines[0].text))


def _is_whole(line: str) -> bool:
    return _is_line(line) or "; " in line and _ROW.match(line) is not None


def _is_line(line: str) -> bool:
    """Return whether nothing of the next line belongs to this one: a heading or a row with borders."""
    return line.startswith("#") and _HEADING.match(line) is not None or "|" in line and _BORDERS.match(line) is not None


def _begins(line: _Line, block: list[_Line], in_code: bool) -> bool:
    """Return whether the line begins a new block, after those of `block`."""
    before = block[-1].text
    if in_code:
        return not before.endswith("\\")
    if _is_whole(line.text) or _is_line(before) or "; " in line.text and _FIELD.match(line.text):
        return True
    if _DASH.match(line.text):
        return before.rstrip().endswith(":") or _DASH.match(block[0].text) is not None
    return _ITEM.match(line.text) is not None and not _goes_on(line.text, before)


def _goes_on(line: str, before: str) -> bool:
    """Return whether a number and full stop at the start of a line belong to the line before: "the / 3. Oktober"."""
    ordinal, last = _ORDINAL.match(line), _LAST_WORD.search(before)
    if not ordinal:
        return False
    if ordinal[1].lower() in MONTHS:
        return True
    return last is not None and last[1].lower() in (BEFORE_NUMBER if last[2] else BEFORE_ORDINAL)
