"""Answers to questions about two things, from the answers to the two questions that they are made of."""

from __future__ import annotations

import re
from dataclasses import replace

from rag.answering.answer import Answer
from rag.answering.comparisons.differences import are_comparable, find_difference
from rag.answering.comparisons.sub_questions import ANSWERS, COMPARATIVES, DIFFERENCE, SENTENCES, SubQuestions
from rag.answering.evidence.grounding import Citation
from rag.core.text_metrics import normalize
from rag.core.words import FUNCTION_WORDS, singular
from rag.generation import prompt
from rag.retrieval.passage import Passage

_SAYS_DIFFERENCE = re.compile(
    rf"\b(?:than|difference|differs?|more|less|fewer|extra|additional|{COMPARATIVES})\b"
    r"|\bby (?:about |nearly |over |some |around )?(?:[£$€]?\d"
    r"|(?:an?|one|two|three|four|five|six|seven|eight|nine|ten)\b)",
    re.I,
)


def compare(parts: SubQuestions, first: Answer, second: Answer, threshold: float) -> Answer | None:
    """Return the answer that two answers make, None where one of them is missing or the other's, or both are unsure.

    Two values become their difference, as a sum: kind "difference". Else both are told, each with its citation: kind
    "comparison". Its confidence, that both are right, reaches the threshold. Of two questions in one that are no
    comparison, the one that is answered is told, and which is not.
    """
    if parts.told == ANSWERS and first.refused != second.refused:
        return _half(parts, first, second)
    if first.refused or second.refused or not _are_two(parts, first, second):
        return None
    if parts.told == DIFFERENCE and not are_comparable(first.text, second.text):
        return None
    confidence = round(first.confidence * second.confidence, 4)
    if confidence < threshold:
        return None
    passages, (one, other) = _joined(first, second)
    text, kind = _told(parts, first, second, one.passage, other.passage)
    citations = [one] if one == other else [one, other]
    return Answer(text, False, confidence, citations, passages, text, kind=kind)


def _half(parts: SubQuestions, first: Answer, second: Answer) -> Answer:
    """Return the answer of the two that is one, and say which question has none."""
    given, missing = (second, parts.first) if first.refused else (first, parts.second)
    text = prompt.answer_text(given.text, given.citations[0].passage)
    return replace(given, text=f"{text}; not in the documents: {missing}", kind="comparison")


def _told(parts: SubQuestions, first: Answer, second: Answer, one: int, other: int) -> tuple[str, str]:
    """Return the answer's text and kind. one, other: the numbers of the cited passages."""
    if parts.told == SENTENCES:
        quotes = [" ".join(answer.citations[0].quote.split()) for answer in (first, second)]
        return " ".join(dict.fromkeys(quotes)), "comparison"
    values = [prompt.answer_text(first.text, one), prompt.answer_text(second.text, other)]
    if parts.told == ANSWERS:
        return "; ".join(values), "comparison"
    difference = find_difference(first.text, second.text)
    if not difference:
        return f"{parts.first}: {values[0]}; {parts.second}: {values[1]}", "comparison"
    larger, smaller = values if difference.first_is_larger else values[::-1]
    return f"{larger} − {smaller} = {difference.text}", "difference"


def says_difference(answer: Answer) -> bool:
    """Return whether an answer's evidence itself compares: of one value alone no difference is known."""
    return any(_SAYS_DIFFERENCE.search(citation.quote) for citation in answer.citations)


def refused(answer: Answer) -> Answer:
    """Return the refusal in place of an answer."""
    return replace(
        answer,
        text=prompt.REFUSAL,
        refused=True,
        confidence=round(1 - answer.confidence, 4),
        citations=[],
        conflicts=(),
        kind="refusal",
    )


def _are_two(parts: SubQuestions, first: Answer, second: Answer) -> bool:
    """Return whether the answers are about different things: each evidence names what only its own question names."""
    own, others = _words(parts.first), _words(parts.second)
    named = [
        bool(words & _evidence(answer)) or not words
        for words, answer in ((own - others, first), (others - own, second))
    ]
    one, other = first.citations[0], second.citations[0]
    same_place = (one.document, one.start, first.text) == (other.document, other.start, second.text)
    return all(named) if parts.told == DIFFERENCE or same_place else any(named)


def _evidence(answer: Answer) -> set[str]:
    citation = answer.citations[0]
    chunk = answer.passages[citation.passage - 1].chunk
    return _words(" ".join((citation.quote, citation.location.replace("-", " "), chunk.heading_path, chunk.title)))


def _words(text: str) -> set[str]:
    return {singular(word) for word in normalize(text.replace("-", " ")).split()} - FUNCTION_WORDS


def _joined(first: Answer, second: Answer) -> tuple[list[Passage], tuple[Citation, Citation]]:
    """Return the passages of both answers, each once, and their first citations, numbered anew."""
    places: dict[tuple[str, int], Passage] = {}
    for answer in (first, second):
        for passage in answer.passages:
            places.setdefault((passage.chunk.document, passage.chunk.start), passage)
    numbers = {place: number for number, place in enumerate(places, 1)}

    def renumbered(answer: Answer) -> Citation:
        chunk = answer.passages[answer.citations[0].passage - 1].chunk
        return replace(answer.citations[0], passage=numbers[chunk.document, chunk.start])

    return list(places.values()), (renumbered(first), renumbered(second))
