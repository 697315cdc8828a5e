"""Spans that cannot be the answer: they repeat the question, or their sentence says the opposite or another role."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.wording.opposites import says_asked_end, says_opposite
from rag.answering.wording.roles import asks_for_role, has_other_role
from rag.core.chunk import Chunk
from rag.documents.formats.tables.cell_kinds import DAY, MONTH
from rag.generation.span_tree import IsPossible, SpanPlace

Span = tuple[int, int]
_WHO = re.compile(r"\W*(?:(?:to|by|from|with|for|and) )?(?:who|whom|wer|wen|wem|qui|qui[eé]n)\b", re.I)
# Questions whose answer may be words of their own: "red or blue?", and "which of the museums is closed?".
_ALTERNATIVES = re.compile(r"\b(?:or|either|between|oder|ou)\b", re.I)
_WHICH = re.compile(r"\bwhich\b", re.I)
_WORDS = re.compile(r"\w+")
_MOMENT = re.compile(rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of)? {MONTH}|\b{MONTH} \d|\b(?:1\d|20)\d\d\b", re.I)
_NAME = re.compile(rf"\b(?!(?i:{MONTH}|{DAY})(?!\w))[^\W\d_a-z]\w")


def span_filter(question: str, chunks: Sequence[Chunk]) -> IsPossible | None:
    """Return what tells of a span whether it may answer: it has a word that the question has not, and the asked role.

    A question that names alternatives ("Is it red or blue?") may be answered in its own words, and one with "which" but
    for those behind it. Of other spans that only repeat the question 3 in 100 were right (eval/LOG.md). None if any
    span may.
    """
    has_role = role_filter(question, chunks)
    if _ALTERNATIVES.search(question):
        return has_role
    asked, which = _WORDS.findall(question.casefold()), _WHICH.search(question) is not None

    def repeats(said: list[str]) -> bool:
        return " ".join(["which", *said]) in " ".join(asked) if which else set(asked).issuperset(said)

    def is_possible(place: SpanPlace) -> bool:
        said = _WORDS.findall(chunks[place.passage - 1].text[place.start : place.end].casefold())
        return not (said and repeats(said)) and (has_role is None or has_role(place))

    return is_possible


def role_filter(question: str, chunks: Sequence[Chunk]) -> IsPossible | None:
    """Return what tells of a span whether it has the asked role, as far as its sentence says; None if none is asked.

    Whoever is asked for is no date.
    """
    of_person, of_role = _WHO.match(question) is not None, asks_for_role(question)
    if not of_person and not of_role:
        return None

    def has_role(place: SpanPlace) -> bool:
        chunk = chunks[place.passage - 1]
        if of_person and _is_moment(chunk.text[place.start : place.end]):
            return False
        sentence, span = _in_sentence(chunk, place)
        return not of_role or not sentence or not has_other_role(question, sentence, span)

    return has_role


def without_opposites(
    question: str, places: Sequence[SpanPlace], chunks: Sequence[Chunk], logits: Sequence[float]
) -> list[int]:
    """Return the positions of the places of which the sentence does not say the opposite of what is asked.

    Where the likeliest of all is excluded, only those whose sentence says what is asked: others answer something else.
    logits: how likely each place is.
    """
    parts = [_in_sentence(chunks[place.passage - 1], place) for place in places]
    opposite = [bool(sentence) and says_opposite(question, sentence, span) for sentence, span in parts]
    kept = [n for n in range(len(places)) if not opposite[n]]
    if opposite[max(range(len(places)), key=lambda n: logits[n])]:
        return [n for n in kept if says_asked_end(question, parts[n][0])]
    return kept


def _is_moment(text: str) -> bool:
    return _MOMENT.search(text) is not None and _NAME.search(text) is None


def _in_sentence(chunk: Chunk, place: SpanPlace) -> tuple[str, Span]:
    """Return the sentence around a place and the place in it; "" for one in a table, whose column says what it is."""
    first, last = place.sentence
    in_cell = any(cell.start <= place.start and place.end <= cell.end for cell in chunk.cells)
    return "" if in_cell else chunk.text[first:last], (place.start - first, place.end - first)
