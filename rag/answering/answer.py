"""An answer and its contract: citations are passages shown, quotes are literal, nothing unsupported is an answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from rag.answering.conflicts import Conflict, find_conflicts
from rag.answering.grounding import Citation, ground
from rag.answering.span_selector import SelectedSpan
from rag.core.markup import find_marks, shown_text
from rag.generation import prompt
from rag.generation.generator import Generation
from rag.retrieval.retriever import Passage


@dataclass(frozen=True)
class Answer:
    """What a question gets.

    text: the answer, or the refusal sentence if `refused`. confidence: the probability that this is right; for a
    refusal, that the best span is wrong. For generated text it is the geometric mean of the token probabilities,
    which is not calibrated. output: the best span with its citation, or what the model wrote. timings: seconds of
    each part. conflicts: passages of other documents that give another value.
    """

    text: str
    refused: bool
    confidence: float
    citations: list[Citation]
    passages: list[Passage]
    output: str
    timings: dict[str, float] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()


def generated_answer(generation: Generation, passages: list[Passage]) -> Answer:
    """Return generated text as an answer if a passage supports it, else the refusal. Marks of Markdown are left out."""
    parsed = prompt.parse_answer(generation.text)
    logprobs = generation.logprobs
    confidence = round(math.exp(sum(logprobs) / len(logprobs)) if logprobs else 0.0, 4)
    citations = ground(parsed, passages)
    if not citations:
        return Answer(prompt.REFUSAL, True, confidence, [], passages, generation.text)
    shown = shown_text(parsed.text, 0, len(parsed.text), find_marks(parsed.text, "answer.md"))
    text = prompt.parse_answer(shown).text or parsed.text
    return _supported(text, confidence, citations, passages, generation.text)


def extractive_answer(selected: SelectedSpan | None, threshold: float, passages: list[Passage]) -> Answer:
    """Return the selected span, or the refusal if there is none or its probability is below the threshold."""
    if selected is None:
        return Answer(prompt.REFUSAL, True, 1.0, [], passages, prompt.REFUSAL)
    output = prompt.answer_text(selected.text, selected.citation.passage)
    if selected.probability < threshold:
        return Answer(prompt.REFUSAL, True, round(1 - selected.probability, 4), [], passages, output)
    return _supported(selected.text, round(selected.probability, 4), [selected.citation], passages, output)


def _supported(text: str, confidence: float, citations: list[Citation], passages: list[Passage], output: str) -> Answer:
    conflicts = find_conflicts(text, citations, passages)
    return Answer(text, False, confidence, citations, passages, output, conflicts=conflicts)
