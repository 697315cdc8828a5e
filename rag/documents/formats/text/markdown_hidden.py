"""What readers of rendered Markdown do not see: comments, and hidden elements of inline HTML."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from rag.documents.formats.base.sections import Section

FENCED = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^[ ]{0,3}\1[^\n]*$|\Z)", re.M | re.S)
CODE = re.compile(r"(?<!`)(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")
OPEN_COMMENT = re.compile(r"^[ ]{0,3}<!--", re.M)
# A definition of a link to nowhere: [//]: # (a comment)
DEFINITION = re.compile(r"^[ ]{0,3}\[[^\]\n]*\]:[ ]*(?:#|<>)[ ]*(?:\([^\n]*\)|\"[^\n]*\"|'[^\n]*')[ ]*$", re.M)
# An HTML tag that may hide its element; the bounds keep the search linear.
TAG = re.compile(r"<([a-z][a-z0-9]*)\b[^<>]{0,2000}?\b(?:style|hidden|color)\b[^<>]{0,2000}>", re.I)
Span = tuple[int, int]


def hidden_spans(text: str) -> list[Span]:
    """Return (start, end) of what rendered Markdown does not show, in order. Code shows everything."""
    if "<" not in text and "]:" not in text:
        return []
    shown = CODE.sub(_blank, FENCED.sub(_blank, text))
    definitions = (found.span() for found in DEFINITION.finditer(shown))
    return sorted([*_comments(shown), *definitions, *_hidden_elements(shown)])


def blanked(text: str, spans: list[Span]) -> str:
    """Return the text with blanks in place of the spans, so that all else stays where it is."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], re.sub(r"[^\n]", " ", text[max(at, start) : end])]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def without(sections: list[Section], spans: list[Span]) -> list[Section]:
    """Return the sections cut apart where a span stands, so that none holds any of it."""
    found, next_span = [], 0
    for section in sections:
        at = section.start
        while next_span < len(spans) and spans[next_span][0] < section.end:
            start, end = spans[next_span]
            if start > at:
                found.append(dataclasses.replace(section, start=at, end=start))
            at = max(at, end)
            if end > section.end:
                break  # it goes on in the next section
            next_span += 1
        if at < section.end:
            found.append(dataclasses.replace(section, start=at))
    return found


def _comments(text: str) -> Iterator[Span]:
    """Yield HTML comments. One that is never closed goes on to the end if it begins a line, and is text otherwise."""
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        at = text.find("-->", start + 4) + 3
        if at < 3:
            if unclosed := OPEN_COMMENT.search(text, text.rfind("\n", 0, start) + 1):
                yield unclosed.start(), len(text)
            return
        yield start, at


def _hidden_elements(text: str) -> Iterator[Span]:
    at = 0
    while found := TAG.search(text, at):
        at = found.end()
        if _hides(found[0]):
            at = _end_of(found, text)
            yield found.start(), at


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _hides(tag: str) -> bool:
    from bs4 import BeautifulSoup

    from rag.documents.formats.text.html_hidden import drop_hidden

    soup = BeautifulSoup(f"{tag}x", "lxml")
    drop_hidden(soup)
    return not soup.get_text(strip=True)


def _end_of(tag: re.Match[str], text: str) -> int:
    """Return where the element ends: after its own closing tag, at the end of the text where there is none."""
    depth = 0
    for found in re.compile(rf"<(/?){tag[1]}\b[^<>]*>", re.I).finditer(text, tag.start()):
        depth += -1 if found[1] else 1
        if depth == 0:
            return found.end()
    return len(text)
