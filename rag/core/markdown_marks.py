"""The marks in a piece of Markdown: CommonMark with GitHub's tables, footnotes and checkboxes."""

from __future__ import annotations

import html
import re
from html.entities import html5

from rag.core.mark import Mark
from rag.core.text_blocks import code_spans

# Read parts are blanked: marks by BLANK, text in which no mark counts by OPAQUE.
_BLANK, _OPAQUE = "\0", "\1"
_INLINE_TAGS = (
    "a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var"
)
_BLOCK_TAGS = (
    "address|article|aside|blockquote|br|center|dd|details|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|img|li"
    "|main|nav|ol|p|picture|pre|section|source|summary|table|tbody|td|tfoot|th|thead|tr|ul|video"
)
_CODE = re.compile(r"(?<!`)(`+)(?!`)((?:[^\n]|\n(?!\s*\n))+?)(?<!`)\1(?!`)")
_ESCAPE = re.compile(r"(?<![:\\])\\(?=([!-/:-@\[-`{-~]))|\\(?=\n)")
_AUTOLINK = re.compile(r"<((?:https?|ftp)://[^\s<>]*|(?:mailto:)?[\w.+-]+@[\w.-]+)>")
_TAG = re.compile(rf"</?(?:({_INLINE_TAGS})|{_BLOCK_TAGS})(?:\s[^<>]{{0,500}})?/?>", re.I)
_URL = re.compile(r"\b(?:https?|ftp)://[^\s<>()\[\]]+")
_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>(?:[^\[\]\n]|\n(?!\s*\n)){0,500})\](?:\[[^\[\]\n]{0,100}\]"
    r"|\([ \t]*(?P<address><[^<>\n]*>|[^\s()<]*(?:\([^\s()]*\)[^\s()]*)?)"
    r"(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?[ \t]*\))"
)
_NOTE = re.compile(r"\[\^[^\]\s]{1,50}\]:?|(?<=> )\[!\w+\]")
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]\n]+\]:(?=[ \t]+\S)", re.M)
_LINE_START = re.compile(
    r"^[ \t]*(?:>[ \t]?)*(?:#{1,6}(?=[ \t])|(?:[-*+]|\d{1,9}[.)](?=[ \t]+\[[ xX]\][ \t]))[ \t]+(?:\[[ xX]\][ \t])?)?",
    re.M,
)
_HEADING_END = re.compile(r"^[ \t]*#{1,6}[ \t][^\n]*?([ \t]#+)[ \t]*$", re.M)
_ATTRIBUTES = re.compile(r"\{:?[ \t]*[#.][\w#.=\"' -]{1,100}\}")
_TABLE_LINE = re.compile(r"^(?:[ \t]*\||[^\n|]*(?:\|[^\n|]*){2}\|?)[^\n]*$", re.M)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]\w{1,31});", re.I)
# A letter of scripts that put spaces between words: marks amid such letters are no emphasis.
_LETTER = r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_INNER = r"(?:[^\n*_~]|\n(?![ \t]*(?:\n|[-*+>#|]|\d+[.)])))"
_EMPHASIS = (
    re.compile(
        rf"(?<!{_LETTER})(?<![*/\\=])(\*\*\*?)(?![\s*,;:!?)=]|/\*)(?:{_INNER}|[_~]|\*(?!\*)){{1,600}}?(?<![\s*(\\])\1(?!\*)"
    ),
    re.compile(
        rf"(?<!{_LETTER})(?<![*/\\=])(\*)(?![\s*.,;:!?)/=])(?:{_INNER}|[_~]){{1,600}}?(?<![\s*(/\\])\1(?!{_LETTER}|\*)"
    ),
    re.compile(
        rf"(?<![\w/.\\=-])(__?_?)(?![\s_.,;:!?)/=])(?:{_INNER}|[*~]|(?<=\w)_(?=\w)){{1,600}}?(?<![\s_(/\\])\1(?!\w|[./]\w|[(\[=])"
    ),
    re.compile(rf"(?<![~\w])(~~)(?![\s~])(?:{_INNER}|[*_]|~(?!~)){{1,600}}?(?<![\s~])\1(?!~)"),
)
_PYTHON_NAMES = frozenset(
    name for kind in (object, type, dict, int, type(html), type(lambda: 0)) for name in dir(kind) if name[:2] == "__"
) | {"__all__", "__main__", "__file__", "__path__", "__pycache__", "__future__", "__version__", "__post_init__"}


def markdown_marks(text: str) -> list[Mark]:
    """Return the marks in order."""
    return _Scanner(text).marks()


class _Scanner:
    """Finds marks kind by kind. What was read is blanked, so that a later kind does not read it again."""

    def __init__(self, text: str):
        self._text, self._found = text, list[Mark]()

    def marks(self) -> list[Mark]:
        for start, end in code_spans(self._text):
            goes_on = self._text[start:end].endswith("\\")
            self._mark(end - goes_on, end)
            self._blank(start, end - goes_on, _OPAQUE)
        self._code()
        self._every(_ESCAPE)
        self._angles()
        while found := _LINK.search(self._text):
            self._link(found)
        self._every(_HEADING_END, 1)
        for pattern in (_NOTE, _DEFINITION, _LINE_START, _ATTRIBUTES):
            self._every(pattern)
        for pattern in _EMPHASIS:
            self._emphasis(pattern)
        self._borders()
        self._entities()
        return sorted(self._found)

    def _blank(self, start: int, end: int, by: str) -> None:
        self._text = self._text[:start] + re.sub(r"[^\n]", by, self._text[start:end]) + self._text[end:]

    def _mark(self, start: int, end: int, shown: str = "", *, aside: bool = False, border: bool = False) -> None:
        if start < end:
            self._found.append(Mark(start, end, shown, aside, border))
            self._blank(start, end, _OPAQUE if aside else _BLANK)

    def _every(self, pattern: re.Pattern[str], group: int = 0) -> None:
        for found in list(pattern.finditer(self._text)):
            self._mark(found.start(group), found.end(group))
            if pattern is _ESCAPE and found[1]:
                self._blank(found.end(), found.end() + 1, _OPAQUE)

    def _code(self) -> None:
        for found in list(_CODE.finditer(self._text)):
            padded = found[2][0] == found[2][-1] == " " and found[2].strip() != ""
            start, end = found.start(2) + padded, found.end(2) - padded
            self._blank(start, end, _OPAQUE)
            self._mark(found.start(), start)
            self._mark(end, found.end())

    def _angles(self) -> None:
        for found in list(_AUTOLINK.finditer(self._text)):
            self._blank(found.start(1), found.end(1), _OPAQUE)
            self._mark(found.start(), found.start() + 1)
            self._mark(found.end() - 1, found.end())
        for found in list(_TAG.finditer(self._text)):
            self._mark(found.start(), found.end(), border=found[1] is None)
        for found in list(_URL.finditer(self._text)):
            if self._text[found.start() - 2 : found.start()] != "](":
                self._blank(found.start(), found.end(), _OPAQUE)

    def _link(self, found: re.Match[str]) -> None:
        """Drop the brackets; the address stands aside, unless it is an image's or one within the document."""
        start, end = found.span("address")
        if found["address"] and found["address"][0] == "<":
            start, end = start + 1, end - 1
        if found["address"] and found["address"].startswith(("mailto:", "tel:")):
            start += found["address"].index(":") + 1
        if found["address"] is None or found["image"] or self._text[start : start + 1] in ("#", ")"):
            start = end = found.end()
        self._mark(found.start(), found.start("text"))
        self._mark(found.end("text"), start)
        self._mark(start, end, aside=True)
        self._mark(end, found.end())

    def _emphasis(self, pattern: re.Pattern[str]) -> None:
        at = 0
        while found := pattern.search(self._text, at):
            if found[0] in _PYTHON_NAMES:
                at = found.end()
                continue
            self._mark(found.end() - len(found[1]), found.end())
            self._mark(found.start(), found.start() + len(found[1]))

    def _borders(self) -> None:
        for line in list(_TABLE_LINE.finditer(self._text)):
            for border in re.finditer(r"\|", line[0]):
                self._mark(line.start() + border.start(), line.start() + border.end(), border=True)

    def _entities(self) -> None:
        for found in list(_ENTITY.finditer(self._text)):
            if found[0][1] == "#" or found[0][1:] in html5:
                self._mark(found.start(), found.end(), html.unescape(found[0]))
