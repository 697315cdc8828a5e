"""The answer and its contract: every citation is a passage shown, every quote is literal, what nothing supports is not shown as an answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rag.answering.conflicts import Conflict, find_conflicts
from rag.answering.grounding import Citation, ground
from rag.answering.span_selector import SelectedSpan
from rag.generation import prompt
from rag.generation.generator import Generation
from rag.retrieval.retriever import Passage


@dataclass(frozen=True)
class Answer:
    """text: the answer, or the refusal sentence. refused: whether it is the refusal. confidence: how likely what is said is right; of a span the fitted
    probability (of a refusal, that the best span is wrong), of a freely written answer the geometric mean probability of its tokens, which is not calibrated.
    output: the best span with its citation, or what the model wrote. timings: seconds of each part. conflicts: passages that
    say otherwise."""

    text: str
    refused: bool
    confidence: float
    citations: list[Citation]
    passages: list[Passage]
    output: str
    timings: dict[str, float]
    conflicts: tuple[Conflict, ...] = ()


def written_answer(generation: Generation, passages: list[Passage]) -> Answer:
    """-> what the generator wrote freely, as far as a passage supports it; else the refusal."""
    parsed = prompt.parse_answer(generation.text)
    citations = ground(parsed, passages)
    refused = not citations
    confidence = math.exp(sum(generation.logprobs) / len(generation.logprobs)) if generation.logprobs else 0.0
    text = prompt.REFUSAL if refused else parsed.text
    return Answer(
        text,
        refused,
        round(confidence, 4),
        citations,
        passages,
        generation.text,
        {},
        find_conflicts(text, citations, passages),
    )


def chosen_answer(choice: SelectedSpan | None, least: float, passages: list[Passage]) -> Answer:
    """-> the chosen span, or the refusal where there is none or it is less likely right than `least`."""
    if choice is None:
        return Answer(prompt.REFUSAL, True, 1.0, [], passages, prompt.REFUSAL, {})
    output = prompt.answer_text(choice.text, choice.citation.passage)
    if choice.probability < least:
        return Answer(prompt.REFUSAL, True, round(1 - choice.probability, 4), [], passages, output, {})
    cited = [choice.citation]
    return Answer(
        choice.text,
        False,
        round(choice.probability, 4),
        cited,
        passages,
        output,
        {},
        find_conflicts(choice.text, cited, passages),
    )
