"""What Markdown keeps from its readers once it is rendered: comments, and hidden elements of inline HTML."""

from __future__ import annotations

import dataclasses
import re

from rag.formats.sections import Section

FENCED = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^[ ]{0,3}\1[^\n]*$|\Z)", re.M | re.S)
CODE = re.compile(r"(?<!`)(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")
COMMENT = re.compile(r"<!--.*?-->|^[ ]{0,3}<!--.*\Z|^[ ]{0,3}\[[^\]\n]*\]:[ ]*(?:#|<>)[ ]*(?:\([^\n]*\)|\"[^\n]*\"|'[^\n]*')[ ]*$", re.M | re.S)
TAG = re.compile(r"<([a-z][a-z0-9]*)\b[^<>]*\b(?:style|hidden|color)\b[^<>]*>", re.I)
Span = tuple[int, int]


def hidden_spans(text: str) -> list[Span]:
    """-> (start, end) of what rendered Markdown does not show, in order. Code shows everything."""
    if "<" not in text and "]:" not in text:
        return []
    shown = CODE.sub(_blank, FENCED.sub(_blank, text))
    spans = [found.span() for found in COMMENT.finditer(shown)]
    at = 0
    while found := TAG.search(shown, at):
        at = _end_of(found, shown) if _hides(found[0]) else found.end()
        spans += [(found.start(), at)] if at > found.end() else []
    return sorted(spans)


def blanked(text: str, spans: list[Span]) -> str:
    """-> the text with blanks in place of the spans, so that all else stays where it is."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], re.sub(r"[^\n]", " ", text[max(at, start) : end])]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def without(sections: list[Section], spans: list[Span]) -> list[Section]:
    """-> the sections cut apart where a span stands, so that none holds any of it."""
    for start, end in spans:
        sections = [
            dataclasses.replace(section, start=a, end=b)
            for section in sections
            for a, b in ((section.start, min(section.end, start)), (max(section.start, end), section.end))
            if a < b
        ]
    return sections


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _hides(tag: str) -> bool:
    from bs4 import BeautifulSoup

    from rag.formats.web_hidden import drop_hidden

    soup = BeautifulSoup(f"{tag}x", "lxml")
    drop_hidden(soup)
    return not soup.get_text(strip=True)


def _end_of(tag: re.Match[str], text: str) -> int:
    """-> where the element ends: after its own closing tag, at the end of the text where there is none."""
    depth = 0
    for found in re.compile(rf"<(/?){tag[1]}\b[^<>]*>", re.I).finditer(text, tag.start()):
        depth += -1 if found[1] else 1
        if depth == 0:
            return found.end()
    return len(text)
