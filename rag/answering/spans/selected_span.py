"""The answer that a selected span stands for: the span, a list, whole sentences, or yes or no with its sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rag.answering.evidence.grounding import Citation, cite
from rag.answering.kinds.lists import asks_for_list, find_items
from rag.answering.kinds.polarity import asks_whether, polarity
from rag.answering.kinds.whole_sentences import asks_for_sentences, with_steps
from rag.answering.wording.commands import whole_command
from rag.core.chunk import Chunk
from rag.generation.prompt import REFUSAL, without_citations
from rag.generation.span_tree import SpanPlace


@dataclass(frozen=True)
class SelectedSpan:
    """What a selected span gives as the answer.

    citations: its evidence, at least one. probability: that the answer is right. sentence_probability: that the
    sentence around the span has the answer. kind: as in `Answer.kind`.
    """

    text: str
    citations: tuple[Citation, ...]
    probability: float
    sentence_probability: float = 0.0
    kind: str = "span"

    @property
    def citation(self) -> Citation:
        """The first of its evidence."""
        return self.citations[0]


def answer_with(
    question: str, chunk: Chunk, place: SpanPlace, probability: float, sentence_probability: float
) -> SelectedSpan:
    """Return the answer that a selected span gives to a question of this kind.

    place: of the span in the chunk. probability: that the span is right. sentence_probability: that its sentence has
    the answer, which is what is asked of a list or a sentence.
    """
    command = whole_command(question, place, chunk)
    citation = cite(chunk, place.passage, *command.sentence, (command.start, command.end))
    span = SelectedSpan(command.text(chunk), (citation,), probability, sentence_probability)
    if command != place or citation.row:
        return span
    of_sentence = replace(span, probability=sentence_probability)
    wide = _wide_answer(question, of_sentence, chunk, place)
    return wide if wide and wide.text and wide.text != REFUSAL else span


def _wide_answer(question: str, found: SelectedSpan, chunk: Chunk, place: SpanPlace) -> SelectedSpan | None:
    """Return the list, yes or no, or sentences that the question asks for; None where it asks for a span."""
    if asks_for_list(question):
        return _list(found, chunk, place)
    if asks_whether(question):
        return _yes_or_no(question, found, chunk, place)
    if asks_for_sentences(question):
        whole = with_steps(question, chunk, place.sentence)
        citations = (cite(chunk, place.passage, *whole),)
        return replace(found, text=_words(chunk, place, whole), citations=citations, kind="sentence")
    return None


def _list(found: SelectedSpan, chunk: Chunk, place: SpanPlace) -> SelectedSpan | None:
    """Return all items of the list that the span is one of, each cited; None where it stands in no list."""
    items = find_items(chunk, (place.start, place.end), place.sentence)
    if not items:
        return None
    text = ", ".join(filter(None, (_words(chunk, place, item) for item in items)))
    citations = tuple(cite(chunk, place.passage, *item) for item in items) if len(items) > 1 else found.citations
    return replace(found, text=text, citations=citations, kind="list")


def _yes_or_no(question: str, found: SelectedSpan, chunk: Chunk, place: SpanPlace) -> SelectedSpan:
    """Return the sentence, with yes or no before it where its words tell."""
    sentence = _words(chunk, place, place.sentence)
    says = polarity(question, sentence)
    if says is None:
        return replace(found, text=sentence, kind="sentence")
    return replace(found, text=f"{'Yes' if says else 'No'}. {sentence}", kind="yes or no")


def _words(chunk: Chunk, place: SpanPlace, characters: tuple[int, int]) -> str:
    """Return the words of a part of the chunk that is wider than the selected span."""
    start, end = characters
    return without_citations(replace(place, start=start, end=end).text(chunk))
