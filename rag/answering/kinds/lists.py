"""Questions that ask for several things: all items of the list, or of the enumeration, that the selected span is in."""

from __future__ import annotations

import re

from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.words import singular

Span = tuple[int, int]
MOST_ITEMS = 20
LONGEST_PIECE = 12  # words of a part of an enumeration

_NUMBER = "two|three|four|five|six|seven|eight|nine|ten|several|\\d{1,2}"
_ENUMERATE = re.compile(
    rf"\b(?:list|name|enumerate)\b (?:(?:me|us) )?(?:all|the|every|any|(?:{_NUMBER})\b)|\bwho are the\b"
    rf"|\b(?:what|which) (?:(?:are|were) the |(?:first |other )?(?:{_NUMBER})\b|all\b|else\b)"
    r"|\b(?:what|which) (?:kinds|sorts|types) of"
    r"|\bwhich ones\b|\bmade up of\b|\b(?:consists?|composed) of\b",
    re.I,
)
_PLURAL = re.compile(
    r"\b(?:what|which) (?!(?:does|was|has|is|did|do)\b)(?:\w+ )?(?!does|was)(\w{3,}s)\b (?!(?:is|was|does|has)\b)", re.I
)
_MARKER = re.compile(r"[^\S\n]*(?:[-*+•▪►‣·]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?=\S)")  # of a list's item
_JOINT = re.compile(r"\s*,\s*(?:and|or)\s+|\s*[,;]\s*|\s+(?:and|or)\s+")
_CLAUSE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|must|may|can|will|would|should|which|who|that|when|where|if|but|because|it|they"
    r"|he|she|we|you)\b",
    re.I,
)
_HEAD = re.compile(r"(?:\*\*|`)?[^:.–—(]{2,60}?(?:\*\*|`)?(?=:\s| [–—-] | \()")


def asks_for_list(question: str) -> bool:
    """Return whether a question asks for several things: which ones, what kinds of, the three."""
    if _ENUMERATE.search(question):
        return True
    return any(singular(match[1].lower()) != match[1].lower() for match in _PLURAL.finditer(question))


def find_items(chunk: Chunk, span: Span, sentence: Span) -> list[Span]:
    """Return the items of the list that a span stands in, or the whole enumeration around it; [] for neither.

    span, sentence: characters of the chunk's text, of what was selected and of the sentence around it.
    """
    if any(cell.start <= span[0] and span[1] <= cell.end for cell in chunk.cells):
        return []
    return _list_items(chunk.text, span) or _enumeration(chunk.text, span, sentence)


def item_lines(text: str, span: Span) -> list[Span]:
    """Return the lines of the list that a span stands in, or that its line leads to with a colon; [] for no list."""
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text)]
    items = {n for n, (start, _) in enumerate(lines) if _MARKER.match(text, start)}
    own = max((n for n, (start, end) in enumerate(lines) if start < span[1] and span[0] < end), default=None)
    if own is None:
        return []
    if own not in items and text[: lines[own][1]].rstrip().endswith(":"):
        own += 1
    first = last = own
    while first - 1 in items:
        first -= 1
    while last + 1 in items:
        last += 1
    return lines[first : last + 1] if own in items else []


def _list_items(text: str, span: Span) -> list[Span]:
    """Return the items of the list that the span stands in or leads to, or what each of them names."""
    items = [_item(text, *line) for line in item_lines(text, span)]
    if not 2 <= len(items) <= MOST_ITEMS:
        return []
    heads = [_HEAD.match(text, *item) for item in items]
    named = [(head.start(), head.end()) for head in heads if head]
    return named if len(named) == len(items) else items


def _item(text: str, start: int, end: int) -> Span:
    """Return the first sentence of a line of a list, without its marker."""
    marker = _MARKER.match(text, start)
    start = marker.end() if marker else start
    first = sentence_spans(text[start:end])[:1]
    end = start + first[0][1] if first else end
    while end > start and text[end - 1] in " .;,":
        end -= 1
    return start, end


def _enumeration(text: str, span: Span, sentence: Span) -> list[Span]:
    """Return the whole enumeration in a sentence that the span is a part of, as one span."""
    first, last = sentence
    end = first + len(text[first:last].rstrip(".;:!? \n"))
    colon = text.rfind(": ", first, span[0] + 1)
    begin = colon + 2 if colon >= 0 else span[0]
    joints = [joint for joint in _JOINT.finditer(text, begin, end) if joint.start() > begin]
    pieces = _between(begin, joints, end)
    own = [n for n, (start, stop) in enumerate(pieces) if start < span[1] and span[0] < stop]
    if not own or not joints:
        return []
    reach = own[-1]
    while reach + 1 < len(pieces) and (colon >= 0 or _is_part(text[slice(*pieces[reach + 1])])):
        reach += 1
    ended = any(re.search(r"\b(?:and|or)\b", joint[0]) for joint in joints[:reach])
    whole = begin, max(span[1], pieces[reach][1] if reach > own[-1] else span[1])
    return [whole] if whole != span and (ended or colon >= 0 and reach > 0) else []


def _between(begin: int, joints: list[re.Match[str]], end: int) -> list[Span]:
    cuts = [begin, *(place for joint in joints for place in joint.span()), end]
    return list(zip(cuts[::2], cuts[1::2], strict=True))


def _is_part(words: str) -> bool:
    """Return whether words can be a part of an enumeration: not many, and no clause of their own."""
    clause = _CLAUSE.search(words)
    relative = clause is not None and clause[0].lower() in ("who", "which", "that") and clause.start() > 0
    return 0 < len(words.split()) <= LONGEST_PIECE and (clause is None or relative)
