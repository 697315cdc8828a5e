"""The marks in a piece of reStructuredText."""

from __future__ import annotations

import re

from rag.core.mark import Mark
from rag.core.text_blocks import code_spans

_BEFORE = r"(?:(?<=^)|(?<=[\s\-:'\"“‘<(\[{]))"
_AFTER = r"(?=[\s\-.,:;!?\\/'\"”’)\]}>]|$)"
_INNER = r"(?:[^\n]|\n(?!\s*\n)){0,600}?"
# Alternatives of one pattern, since none counts within another. The groups are what is shown.
_MARKED = re.compile(
    rf"{_BEFORE}(?:``(?P<code>\S{_INNER}(?<=\S))``"
    rf"|(?P<star>\*\*?)(?P<emphasis>[^\s*]{_INNER}(?<=\S))(?P=star)"
    rf"|(?::[\w.:+-]+:)?`(?P<named>[^\s`]{_INNER}(?<=\S))`(?:__?|:[\w.:+-]+:)?"
    rf"|\|(?P<replaced>[^\s|]{_INNER}(?<=\S))\|_{{0,2}}"
    rf"|(?P<reference>[A-Za-z][A-Za-z\d]*(?:[-.][A-Za-z\d]+)*)__?"
    rf"|(?P<note>\[)[\w#*-]+\]_){_AFTER}",
    re.M,
)
# What follows the names of these directives is text; with all others it says how something is shown.
_WITH_TEXT = (
    "admonition|attention|caution|danger|deprecated|error|hint|important|note|rubric|seealso|sidebar|tip|topic"
    "|versionadded|versionchanged|warning"
)
_LINE = re.compile(
    rf"^[ \t]*\.\.[ \t]+(?:\[[\w#*-]+\]|(?:{_WITH_TEXT})::|_[^\n]*?:(?=\s|$)|(?=[^\s\[_])[^\n]*)[ \t]*"
    r"|^[ \t]*__[ \t](?=\S)|^[ \t]*\|[ \t]|^[ \t]*[-*+•][ \t]+",
    re.M,
)
_ADDRESS = re.compile(r"\s*<([^<>]+)>$")
_ESCAPE = re.compile(r"\\(?=[^\w\\])|\\(?=[*_`|])")
_GROUPS = ("code", "emphasis", "named", "replaced", "reference")


def rst_marks(text: str) -> list[Mark]:
    """Return the marks in order."""
    code = list(code_spans(text))
    lines = [found.span() for found in _LINE.finditer(text) if not _within(found, code)]
    marks = [Mark(start, end) for start, end in lines if start < end]
    for found in _MARKED.finditer(text):
        if not _within(found, [*lines, *code]):
            marks += _inline(found)
    read = [*((mark.start, mark.end) for mark in marks), *code]
    marks += [Mark(*escape.span()) for escape in _ESCAPE.finditer(text) if not _within(escape, read)]
    return sorted(marks)


def _within(found: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(start < found.end() and found.start() < end for start, end in spans)


def _inline(found: re.Match[str]) -> list[Mark]:
    """Return the marks around what a piece of marked text shows; the address of a link stands aside."""
    group = next((name for name in _GROUPS if found[name]), None)
    if group is None:
        return [Mark(*found.span())]
    start, end = found.span(group)
    marks = [Mark(found.start(), start)]
    address = _ADDRESS.search(found[group]) if group == "named" else None
    if address and address.start():
        marks += [Mark(start + address.start(), start + address.start(1))]
        marks += [Mark(start + address.start(1), start + address.end(1), aside=True)]
        end = start + address.end(1)
    return [mark for mark in (*marks, Mark(end, found.end())) if mark.start < mark.end]
