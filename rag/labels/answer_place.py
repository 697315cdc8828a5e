"""Where in a text an answer stands that a person wrote, whose spelling may differ a little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rag.labels.folded_text import FoldedText

CLOSING = " \t\n.,;:!?…。！？、，；：·•"  # what an answer may end with that is not part of it
# What may stand around an answer.
WRAPPERS = {
    "(": ")",
    "[": "]",
    '"': '"',
    "'": "'",
    "“": "”",
    "„": "“",
    "‘": "’",
    "‚": "‘",
    "«": "»",
    "»": "«",
    "‹": "›",
    "`": "`",
    "”": "”",
}
# Words whose full stop belongs to them, beside those with a full stop inside, such as "p.m."
_SHORTENED = frozenset("inc ltd co corp jr sr bros dr mr mrs approx etc".split())
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)+")  # read as one number or time, of which no part is an answer
_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")  # but of a date each part is
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
NUMBER_WITHIN = 40  # characters around a place in which a number that it is part of begins or ends
MINUS = frozenset("-−–")
ACRONYM = 3  # letters of a word in capitals up to which "IT" is not "it"

Place = tuple[int, int]


def answer_places(answer: str, text: FoldedText) -> Iterator[Place]:
    """Yield (start, end) of each place where the answer stands in whole words, in the order of the text.

    Case, space, the kind of quotation marks and dashes, marks around the answer and punctuation after it make no
    difference. A part of a number is no answer, and neither is a number without its minus sign.
    """
    for form in forms(answer):
        found = False
        at = text.find(form.folded)
        while at is not None:
            start, end, following = at
            if _is_whole(text.text, start, end) and _same_acronym(form.text, text.text[start:end]):
                found = True
                yield start, _with_own_stop(answer, text.text, start, end)
            at = text.find(form.folded, following)
        if found:
            return


@lru_cache(1024)
def forms(answer: str) -> tuple[FoldedText, ...]:
    """Return what is looked for, one after the other: the answer without what closes it, then out of its quotes."""
    found: dict[str, FoldedText] = {}
    form = answer.strip()
    while True:
        closed = form.rstrip(CLOSING)
        folded = FoldedText(closed)
        if not re.search(r"[^\W_]|[^\x00-\x7f]", folded.folded):
            return tuple(found.values())
        found.setdefault(folded.folded, folded)
        if WRAPPERS.get(closed[0]) != closed[-1] or len(closed) < 3:
            return tuple(found.values())
        form = closed[1:-1].strip()


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether a place begins and ends with whole words and numbers, and leaves out no minus sign."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if _continues(before[-1:], text[start], before[:-1]) or _continues(after[:1], text[end - 1], after[1:]):
        return False
    if text[start].isdigit() and before[-1:] in MINUS and not before[:-1].isalnum():
        return False
    if text[start] in MINUS and before[-1:].isdigit():  # the dash of a range
        return False
    first = max(0, start - NUMBER_WITHIN)
    for number in _NUMBER.finditer(text, first, end + NUMBER_WITHIN):
        within = start <= number.start() and number.end() <= end
        apart = number.end() <= start or end <= number.start()
        if not (within or apart or _DATE.fullmatch(number.group())):
            return False
    return True


def _continues(neighbour: str, edge: str, beyond: str) -> bool:
    """Return whether the character beside an edge belongs to the same word. beyond: the one behind it, or ""."""
    if neighbour == "_":  # emphasis in Markdown, unless a word goes on behind it
        return beyond.isalnum() and edge.isalnum()
    if not neighbour.isalnum() or not edge.isalnum():
        return False
    return not (_UNSPACED.match(neighbour) or _UNSPACED.match(edge))


def _same_acronym(answer: str, literal: str) -> bool:
    """Return whether two spellings of a short word differ in no more than case that carries no meaning."""
    short = len(literal) <= ACRONYM and literal.isalpha()
    return not short or answer.isupper() == literal.isupper()


def _with_own_stop(answer: str, text: str, start: int, end: int) -> int:
    """Return the end of a place, with the full stop of "p.m." or "Inc." where the answer has one as well."""
    word = text[start:end].split()[-1].lower()
    is_shortened = "." in word or word in _SHORTENED
    asked = answer.rstrip("".join(WRAPPERS.values()) + " ").endswith(".")
    return end + 1 if asked and is_shortened and text[end : end + 1] == "." else end
