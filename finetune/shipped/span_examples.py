"""What the span scorer learns from: questions, the texts that are read for each, and where those answer it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from finetune.mining.unanswerable import Terms, swap_terms
from finetune.retriever.labelled_questions import LabelledQuestion, LabelledQuestions, nearby_chunks
from finetune.retriever.question_folders import read_labelled_questions
from finetune.shipped.opposite_questions import count_another, counted_things, turn_relation
from finetune.shipped.question_folder import QuestionFolder
from rag.core.chunk import Chunk
from rag.labels.held_out import held_out
from rag.models.embedder import Embedder

NEARBY = 6  # nearby passages that texts are drawn from
BESIDE = 0.6  # share of the questions that are read with a nearby passage beside their own
# Shares of the answered questions that are asked once more so that nothing answers them: with a term swapped, with the
# relation turned round, about the number of something else, and of the nearest passages without their own.
SWAPPED, TURNED, ALONE = 0.1, 0.35, 0.25
NEAREST = 4  # of the nearby passages that are read without the question's own; two are


@dataclass(frozen=True)
class SpanExample:
    """A question with the texts that are read for it.

    span: (start, end) characters of the answer in the first text; None where none of the texts answers.
    """

    question: str
    texts: tuple[str, ...]
    span: tuple[int, int] | None


def read_span_examples(
    folders: list[QuestionFolder], embedder: Embedder, held: bool = False, seed: str = ""
) -> list[SpanExample]:
    """Return the examples of all folders.

    held: those about the held-out documents, else those about all others; the texts that do not answer a question are
    of any document. seed: draws other questions of the folders
    and other texts. Raises TrainingError for a folder without questions.
    """
    examples: list[SpanExample] = []
    for folder in folders:
        labelled = read_labelled_questions([folder.path], embedder)
        rng = random.Random(folder.path.name + seed)
        questions = [q for q in labelled.questions if held_out(q.document) == held]
        questions = rng.sample(questions, round(folder.share * len(questions)))
        examples += span_examples(replace(labelled, questions=questions), rng)
    return examples


def span_examples(labelled: LabelledQuestions, rng: random.Random) -> Iterator[SpanExample]:
    """Yield an example of each question whose answer stands in its passage, or that nothing answers.

    The other texts of an example do not hold the answer. Beside them, examples without an answer are made of some
    answered questions: by swapping a term, and by leaving their own passage out. Nearby passages are those of BM25:
    embedding all sets would take as long as a fifth of the training.
    """
    chunks = labelled.chunks
    terms, things = Terms(chunks), counted_things([question.question for question in labelled.questions])
    for question, nearby in nearby_chunks(chunks, labelled.questions, None):
        own = chunks[question.chunk]
        others = _without_answer(question, nearby, chunks)
        beside = rng.sample(others, 1) if others and rng.random() < BESIDE else []
        start = own.search_offset(question.answer_start)
        end = start + len(question.answer)
        if question.answer and own.search_text[start:end] == question.answer:
            yield SpanExample(question.question, _texts([own, *beside]), (start, end))
            if others and rng.random() < ALONE:
                nearest = others[:NEAREST]
                yield SpanExample(question.question, _texts(rng.sample(nearest, min(2, len(nearest)))), None)
            for unanswered in _unanswered(question.question, own, terms, things, rng):
                yield SpanExample(unanswered, _texts([own]), None)
        elif question.answerable is False:
            yield SpanExample(question.question, _texts([own, *beside]), None)


def _unanswered(question: str, own: Chunk, terms: Terms, things: list[str], rng: random.Random) -> Iterator[str]:
    """Yield questions like an answered one that its passage does not answer."""
    if rng.random() < SWAPPED and (swapped := next(swap_terms(question, own, terms, rng), None)):
        yield swapped.question
    if rng.random() < TURNED and (turned := turn_relation(question, own.search_text, rng)):
        yield turned
    if other := count_another(question, own.search_text, things, rng):
        yield other


def _without_answer(question: LabelledQuestion, nearby: list[int], chunks: list[Chunk]) -> list[Chunk]:
    """Return the first nearby chunks that are not the question's own and do not hold its answer."""
    answer = question.answer.lower()
    others = [chunks[n] for n in nearby if n != question.chunk and not (answer and answer in chunks[n].text.lower())]
    return others[:NEARBY]


def _texts(chunks: list[Chunk]) -> tuple[str, ...]:
    return tuple(chunk.search_text for chunk in chunks)
