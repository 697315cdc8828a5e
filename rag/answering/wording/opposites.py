"""Opposite relations: what a sentence says of the beginning of a thing tells nothing about its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
NEAR = 6  # words at most between a relation and what is said of it

_WHEN = re.compile(
    r"^\W*(?:(?:and|so|since|until|till|from|by|in|on|at|to) )?"
    r"(?:when|how (?:late|early)|(?:what|which) (?:date|day|month|year|decade|century|time|hour)s?)\b",
    re.I,
)
_FIGURE = re.compile(r"\bhow (?:much|many|high|low|large|big)\b|\bwhat(?:'s| is| was| are| were) the\b", re.I)
# What a question must ask, and the two ends of a scale, in English.
_ENDS = tuple(
    (asks, tuple(re.compile(rf"\b(?:{end})\b(?! of\b)", re.I) for end in ends))
    for asks, *ends in (
        (
            _WHEN,
            r"beg[iau]ns?|beginning|start(?:s|ed|ing)?|commenc(?:e[sd]?|ing|ement)|launch(?:e[sd]|ing)?|opened",
            r"end(?:s|ed|ing)?|finish(?:e[sd]|ing)?|expir(?:e[sd]?|ing|y)|terminat(?:e[sd]?|ing|ion)|r[au]ns? out"
            r"|conclud(?:e[sd]?|ing)|closes|ceas(?:e[sd]?|ing)|stop(?:s|ped|ping)?|cancel(?:s|led|ling|ed|lation)?",
        ),
        (_WHEN, r"open(?:s|ed|ing)?", r"clos(?:e[sd]?|ing|ure)|shut(?:s|ting)?"),
        (_WHEN, r"arriv(?:e[sd]?|ing|als?)", r"depart(?:s|ed|ing|ures?)?|leaves?|leaving|left"),
        (_WHEN, r"joins?|joined|hired?|appoint(?:s|ed)?", r"leaves?|left|resign(?:s|ed)?|retire[sd]?"),
        (_FIGURE, r"import(?:s|ed)?", r"export(?:s|ed)?"),
        (_FIGURE, r"maximum|at most|highest", r"minimum|at least|lowest"),
    )
)
# Words before a moment that make it an end.
_UNTIL = re.compile(
    r"\b(?:r[au]ns?|lasts?|lasted|valid|continues?|continued|remains?|remained|stays?|in force|open)\b[^,;]{0,30}"
    r"\b(?:until|till)(?: the)?\s*$",
    re.I,
)
# Verbs that undo with "back" what the others of their line do.
_UNDONE = tuple(
    (re.compile(rf"\b(?:{verbs})\b(?: \w+){{0,2}} back\b", re.I), re.compile(rf"\b(?:{verbs})\b", re.I))
    for verbs in (r"buys?|bought|sells?|sold", r"gives?|gave|given|handed|takes?|took|taken", r"pays?|paid|lent|lend")
)
_AGAIN = re.compile(r"\bback\b|\bagain\b|\bre-?\w{3,}", re.I)


def says_opposite(question: str, sentence: str, span: Span) -> bool:
    """Return whether the sentence says of a span of it the opposite of what the question asks."""
    undone = any(asked.search(question) and done.search(sentence) for asked, done in _UNDONE)
    if undone and not _AGAIN.search(sentence):
        return True
    return any(_is_at_other_end(question, sentence, span, asks, ends) for asks, ends in _ENDS)


def says_asked_end(question: str, sentence: str) -> bool:
    """Return whether the sentence has the end of a scale that the question asks for, or says that all is undone."""
    asked = (end for asks, ends in _ENDS if asks.search(question) for end in ends if end.search(question))
    return any(end.search(sentence) for end in asked) or _AGAIN.search(sentence) is not None


def _is_at_other_end(
    question: str, sentence: str, span: Span, asks: re.Pattern[str], ends: tuple[re.Pattern[str], ...]
) -> bool:
    asked = [asks.search(question) is not None and end.search(question) is not None for end in ends]
    if asked[0] == asked[1] or any(end.search(sentence, *span) for end in ends):
        return False
    own, other = (ends[0], ends[1]) if asked[0] else (ends[1], ends[0])
    if asks is _WHEN and asked[0] and _UNTIL.search(sentence[: span[0]]):
        return True
    nearest = min(_distances(sentence, span, other), default=NEAR + 1)
    return nearest <= NEAR and nearest < min(_distances(sentence, span, own), default=NEAR + 1)


def _distances(sentence: str, span: Span, relation: re.Pattern[str]) -> Iterator[int]:
    """Yield for each relation how many words are between it and the span; none for one in another clause."""
    for match in relation.finditer(sentence):
        start, end = match.span()
        between = sentence[end : span[0]] if end <= span[0] else sentence[span[1] : start] if start >= span[1] else ""
        if not re.search(r"[,;:()–—]| (?:and|but|which|who|that|until|till|to) ", between):
            yield len(between.split())
