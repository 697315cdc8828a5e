"""Spans that cannot be the answer: their sentence says the opposite of what is asked, or gives them another role."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.opposites import says_asked_end, says_opposite
from rag.answering.roles import asks_for_role, has_other_role
from rag.core.chunk import Chunk
from rag.generation.span_tree import IsPossible, SpanPlace

Span = tuple[int, int]


def role_filter(question: str, chunks: Sequence[Chunk]) -> IsPossible | None:
    """Return what tells of a span whether it has the asked role, as far as its sentence says; None if none is asked."""
    if not asks_for_role(question):
        return None

    def has_role(place: SpanPlace) -> bool:
        sentence, span = _in_sentence(chunks[place.passage - 1], place)
        return not sentence or not has_other_role(question, sentence, span)

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


def _in_sentence(chunk: Chunk, place: SpanPlace) -> tuple[str, Span]:
    """Return the sentence around a place and the place in it; "" for one in a table, whose column says what it is."""
    first, last = place.sentence
    in_cell = any(cell.start <= place.start and place.end <= cell.end for cell in chunk.cells)
    return "" if in_cell else chunk.text[first:last], (place.start - first, place.end - first)
