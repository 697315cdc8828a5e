"""An answer and its contract: citations are passages shown, quotes are literal, nothing unsupported is an answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rag.answering.evidence.claims import attribute, without_thoughts
from rag.answering.evidence.conflicts import Conflict, find_conflicts
from rag.answering.evidence.grounding import Citation
from rag.answering.spans.selected_span import SelectedSpan
from rag.answering.tables.table_lookup import UNKNOWN_KEY, TableLookup
from rag.core.markup import find_marks, shown_text
from rag.generation import prompt
from rag.retrieval.passage import Passage

if TYPE_CHECKING:
    from rag.generation.generator import Generation

PROBABLE = 0.25  # probability from which a sentence is shown where no answer is sure enough (eval/LOG.md)


@dataclass(frozen=True)
class Answer:
    """What a question gets.

    text: the answer, or the refusal sentence if `refused`. confidence: the probability that this is right; for a
    refusal, that the best span is wrong. For generated text it is the geometric mean of the token probabilities,
    which is not calibrated. output: the best span with its citation, or what the model wrote. timings: seconds of
    each part. conflicts: passages of other documents that give another value. kind: "refusal"; "probable", a refusal
    with a sentence that may hold the answer; "span" of a passage; "list"; "sentence", or steps; "yes or no" with the
    sentence that says so; "comparison" or "difference" of two answers; "lookup" of a table's cell by its row and
    column; or "written" by the model. probable: that sentence. probable_confidence: how likely it holds the answer.
    unsupported: claims of the model that no passage bears out; they are not in the text.
    """

    text: str
    refused: bool
    confidence: float
    citations: list[Citation]
    passages: list[Passage]
    output: str
    timings: dict[str, float] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    kind: str = "refusal"
    probable: Citation | None = None
    probable_confidence: float = 0.0
    unsupported: tuple[str, ...] = ()


def generated_answer(
    generation: Generation, passages: list[Passage], lookup: TableLookup | None = None, question: str = ""
) -> Answer:
    """Return what of generated text a passage supports, else the refusal. Marks of Markdown are left out.

    lookup: says which rows of the passages' tables may not support it.
    """
    logprobs = generation.logprobs
    confidence = round(math.exp(sum(logprobs) / len(logprobs)) if logprobs else 0.0, 4)
    output = without_thoughts(generation.text)
    refused = prompt.parse_answer(output).refused
    said = attribute(question, "" if refused else output, passages, lookup.is_open if lookup else None)
    unsupported = tuple(said.unsupported)
    if lookup and any(citation.row for citation in said.citations):
        confidence = min(confidence, lookup.most_confidence)
    if not said.citations:
        return Answer(prompt.REFUSAL, True, confidence, [], passages, generation.text, unsupported=unsupported)
    text = " ".join(said.kept)
    shown = shown_text(text, 0, len(text), find_marks(text, "answer.md"))
    unmarked = prompt.parse_answer(shown)
    text = unmarked.text if unmarked.text and not unmarked.refused else text
    answer = _supported("written", text, confidence, said.citations, passages, generation.text)
    return replace(answer, unsupported=unsupported)


def lookup_answer(lookup: TableLookup, threshold: float, passages: list[Passage]) -> Answer | None:
    """Return the cell that a look-up found, or the refusal where it refuses; None where a model has to read."""
    if lookup.refuses:
        return Answer(prompt.REFUSAL, True, UNKNOWN_KEY, [], passages, prompt.REFUSAL)
    if not lookup.found:
        return None
    return _from_passage(lookup.found, threshold, passages)


def extractive_answer(selected: SelectedSpan | None, threshold: float, passages: list[Passage]) -> Answer:
    """Return the selected span, or the refusal if there is none or its probability is below the threshold."""
    if selected is None:
        return Answer(prompt.REFUSAL, True, 1.0, [], passages, prompt.REFUSAL)
    return _from_passage(selected, threshold, passages)


def _from_passage(selected: SelectedSpan, threshold: float, passages: list[Passage]) -> Answer:
    output = prompt.answer_text(selected.text, selected.citation.passage)
    if selected.probability < threshold:
        refusal = Answer(prompt.REFUSAL, True, round(1 - selected.probability, 4), [], passages, output)
        likely = round(selected.sentence_probability, 4)
        if likely < PROBABLE:
            return refusal
        return replace(refusal, kind="probable", probable=selected.citation, probable_confidence=likely)
    citations = list(selected.citations)
    return _supported(selected.kind, selected.text, round(selected.probability, 4), citations, passages, output)


def _supported(
    kind: str, text: str, confidence: float, citations: list[Citation], passages: list[Passage], output: str
) -> Answer:
    conflicts = find_conflicts(text, citations, passages)
    return Answer(text, False, confidence, citations, passages, output, conflicts=conflicts, kind=kind)
