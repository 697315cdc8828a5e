"""What the span scorer learns from: questions, the texts that are read for each, and where those answer it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from finetune.mining.unanswerable import Terms, swap_terms
from finetune.retriever.labelled_questions import LabelledQuestion, LabelledQuestions, nearby_chunks
from finetune.retriever.question_folders import read_labelled_questions
from finetune.shipped.question_folder import QuestionFolder
from rag.core.chunk import Chunk
from rag.labels.held_out import held_out
from rag.models.embedder import Embedder

PASSAGES = 2  # read with a question: its own, and a nearby one
NEARBY = 6  # nearby passages that it is drawn from
SWAPPED = 0.1  # share of the answered questions that are also asked with a term swapped, so that nothing answers them
ALONE = 0.05  # share of the answered questions that are also asked of nearby passages alone


@dataclass(frozen=True)
class SpanExample:
    """A question with the texts that are read for it.

    span: (start, end) characters of the answer in the first text; None where none of the texts answers.
    """

    question: str
    texts: tuple[str, ...]
    span: tuple[int, int] | None


def read_span_examples(folders: list[QuestionFolder], embedder: Embedder, held: bool = False) -> list[SpanExample]:
    """Return the examples of all folders.

    held: those about the held-out documents, else those about all others. Raises TrainingError for a folder without
    questions.
    """
    examples: list[SpanExample] = []
    for folder in folders:
        labelled = read_labelled_questions([folder.path], embedder)
        rng = random.Random(folder.path.name)
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
    terms = Terms(chunks)
    for question, nearby in nearby_chunks(chunks, labelled.questions, None):
        own = chunks[question.chunk]
        others = _without_answer(question, nearby, chunks)
        start = own.search_offset(question.answer_start)
        end = start + len(question.answer)
        if question.answerable and own.search_text[start:end] == question.answer:
            yield SpanExample(question.question, _texts([own], others, rng), (start, end))
            if len(others) >= PASSAGES and rng.random() < ALONE:
                yield SpanExample(question.question, _texts([], others, rng), None)
            swapped = next(swap_terms(question.question, own, terms, rng), None) if rng.random() < SWAPPED else None
            if swapped:
                yield SpanExample(swapped.question, _texts([own], [], rng), None)
        elif question.answerable is False:
            yield SpanExample(question.question, _texts([own], others, rng), None)


def _without_answer(question: LabelledQuestion, nearby: list[int], chunks: list[Chunk]) -> list[Chunk]:
    """Return the first nearby chunks that are not the question's own and do not hold its answer."""
    answer = question.answer.lower()
    others = [chunks[n] for n in nearby if n != question.chunk and not (answer and answer in chunks[n].text.lower())]
    return others[:NEARBY]


def _texts(own: list[Chunk], others: list[Chunk], rng: random.Random) -> tuple[str, ...]:
    missing = PASSAGES - len(own)
    return tuple(chunk.search_text for chunk in [*own, *rng.sample(others, min(missing, len(others)))])
