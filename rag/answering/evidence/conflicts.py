"""Conflicts: passages that give another number, date, time or amount than the answer, and which document is newer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.answering.evidence.grounding import Citation
from rag.answering.wording.editions import is_same_series, newer_document
from rag.answering.wording.quantities import Quantity, find_quantities, is_table_row, names_in
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize
from rag.core.words import content_words
from rag.retrieval.passage import Passage

# Two sentences are about the same thing if they share this many content words, and this share of all their words.
MIN_SHARED, MIN_JACCARD = 3, 0.5
# Editions of one document need fewer: this share of the words of the sentence that has fewer.
MIN_SHARED_IN_SERIES, MIN_OVERLAP_IN_SERIES = 3, 0.4
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# Words of sentences that tell by how much something changed, in this document's period.
_CHANGES = frozenset(
    "change compared compare decrease decreased decline declined fell grew growth increase increased".split()
) | (frozenset("improved lower higher previous prior respectively rise rose".split()))


@dataclass(frozen=True)
class Conflict:
    """Two passages shown that give different values for the same thing.

    passage, says: the cited passage's number and its words. other_passage, other_says: the other passage's. document,
    start, end, quote: where the other passage says it, literally. newer: the number of the passage whose document is
    a later revision or has a later date, None if nothing tells.
    """

    passage: int
    says: str
    other_passage: int
    other_says: str
    document: str
    start: int
    end: int
    quote: str
    newer: int | None

    def __str__(self) -> str:
        newer = f"; [{self.newer}] is newer" if self.newer else ""
        return f"[{self.passage}] says {self.says}, [{self.other_passage}] says {self.other_says}{newer}"


def find_conflicts(text: str, citations: list[Citation], passages: list[Passage]) -> tuple[Conflict, ...]:
    """Return the passages of other documents that give another value than the answer `text` and its first citation.

    Made for precision, not for recall. The answer must have one value (a number with its unit, date, time or amount).
    The other sentence must have similar words (less so between editions of one document), the same names, and exactly
    one other value of that kind.
    """
    if not citations:
        return ()
    cited = citations[0]
    numbers = {quantity.number for quantity in find_quantities(text)}
    answered = [quantity for quantity in find_quantities(cited.quote) if quantity.number in numbers]
    if len({quantity.number for quantity in answered}) != 1 or is_table_row(cited.quote):
        return ()
    return tuple(
        conflict
        for number, passage in enumerate(passages, 1)
        if passage.chunk.document != cited.document
        and (conflict := _conflict(answered[0], cited, number, passage.chunk, passages))
    )


def _conflict(
    answered: Quantity, cited: Citation, number: int, chunk: Chunk, passages: list[Passage]
) -> Conflict | None:
    """Return the conflict of the citation with the chunk, which is passage `number`, None if there is none."""
    cited_chunk = passages[cited.passage - 1].chunk
    found = _other_value(answered, cited.quote, cited_chunk, chunk)
    if not found:
        return None
    other, start, end = found
    newer = {1: cited.passage, -1: number, 0: None}[newer_document(cited_chunk, chunk, passages)]
    first, last = chunk.start + start, chunk.start + end
    quote = chunk.text[start:end]
    return Conflict(cited.passage, answered.words, number, other.words, chunk.document, first, last, quote, newer)


def _other_value(answered: Quantity, quote: str, cited: Chunk, chunk: Chunk) -> tuple[Quantity, int, int] | None:
    """Return the other value and the (start, end) of its sentence in the chunk."""
    quoted = {(quantity.number, unit) for quantity in find_quantities(quote) for unit in quantity.units}
    for start, end in sentence_spans(chunk.text):
        sentence = chunk.text[start:end]
        same_kind = [q for q in find_quantities(sentence) if set(q.units) & set(answered.units)]
        others = [q for q in same_kind if not any((q.number, unit) in quoted for unit in q.units)]
        agrees = answered.number in {q.number for q in same_kind}
        if len(others) == 1 and not agrees and _about_same(quote, cited, sentence, chunk, answered.units[0]):
            return others[0], start, end
    return None


def _about_same(quote: str, cited: Chunk, sentence: str, chunk: Chunk, unit: str) -> bool:
    """Whether both sentences are about the same thing: similar words, the same names, and the same years.

    Editions of one document may differ in all of these; what no sentence of the other has is new in it.
    """
    if is_table_row(sentence):
        return False
    a, b = content_words(quote) - {unit}, content_words(sentence) - {unit}
    shared, series = len(a & b), is_same_series(cited, chunk)
    similar = shared >= MIN_SHARED and shared >= MIN_JACCARD * len(a | b)
    if not similar and series:
        similar = shared >= MIN_SHARED_IN_SERIES and shared >= MIN_OVERLAP_IN_SERIES * min(len(a), len(b))
    other_years = unit != "year" and _YEAR.findall(quote) != _YEAR.findall(sentence)
    if not similar or not series and (other_years or (a | b) & _CHANGES):
        return False
    ours, theirs = names_in(quote), names_in(sentence)
    if series and (not ours or not theirs):
        return True
    headings = {
        word for each in (cited, chunk) for part in (each.title, *each.headings) for word in normalize(part).split()
    }
    return ours - theirs <= headings and theirs - ours <= headings
