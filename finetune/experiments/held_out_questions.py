"""People's questions about held-out documents, and what a generator answers to them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from finetune.shipped.bench import read_questions
from finetune.shipped.reader import REACH
from rag.answering.spans.span_paths import best_span_paths
from rag.answering.spans.span_selector import SpanSelector
from rag.answering.wording.answer_type import expected_type
from rag.core.errors import TrainingError
from rag.core.text_metrics import normalize, token_f1
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.labels.held_out import held_out
from rag.models.span_scorer import SpanScores
from rag.retrieval.passage import Passage
from rag.retrieval.retriever import Retriever


@dataclass(frozen=True)
class HeldOutQuestion:
    """A person's question with the passages that are shown for it.

    answers: the acceptable ones, () where the passages have none. span_scores: the span scorer's, for each passage.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    passages: tuple[Passage, ...]
    span_scores: tuple[SpanScores, ...]


@dataclass(frozen=True)
class Prediction:
    """What a generator answers to one question, alone and as it would be served.

    f1: token F1 of the generator's likeliest span. refusal_margin: natural log-probability of the refusal less that of
    this span. served_f1: token F1 of the span that the span selector takes; confidence: how likely that one is right.
    """

    id: str
    answerable: bool
    f1: float
    refusal_margin: float
    served_f1: float
    confidence: float


def held_out_questions(
    bench: Path, retriever: Retriever, selector: SpanSelector, most: int
) -> Iterator[HeldOutQuestion]:
    """Yield people's questions about the bench's held-out documents.

    most: answerable ones, and unanswerable ones. Where people have asked no unanswerable ones, the answerable ones come
    again without the passages that hold an answer. Raises TrainingError where none is answerable.
    """
    rows = [row for row in read_questions(bench) if held_out(row["document"])]
    rng = random.Random(0)
    answerable, unanswerable = ([row for row in rows if bool(row["answers"]) == kind] for kind in (True, False))
    if not answerable:
        raise TrainingError(f"{bench} has no answerable question about a document that is left out of training")
    sampled = [rng.sample(kind, min(most, len(kind))) for kind in (answerable, unanswerable)]
    for row in tqdm([*sampled[0], *sampled[1]], desc="searching", unit=" questions", delay=1):
        found, shown = retriever.search(row["question"], REACH), retriever.settings.passages
        yield _question(row["id"], row, found[:shown], selector)
        if not unanswerable:
            answers = [normalize(answer) for answer in row["answers"]]
            without = [p for p in found if not any(answer in normalize(p.chunk.text) for answer in answers)]
            yield _question(f"{row['id']} without", {**row, "answers": []}, without[:shown], selector)


def _question(id: str, row: dict[str, Any], passages: list[Passage], selector: SpanSelector) -> HeldOutQuestion:
    scores = tuple(selector.score(row["question"], passages))
    return HeldOutQuestion(id, row["question"], tuple(row["answers"]), tuple(passages), scores)


def predict(generator: Generator, question: HeldOutQuestion, selector: SpanSelector) -> Prediction:
    """Return what the generator answers to the question. Where it finds no span, it refuses."""
    passages, scores = list(question.passages), list(question.span_scores)
    chunks = [passage.chunk for passage in passages]
    tokens = prompt.render(generator.tokenizer, question.question, chunks)
    refusal = prompt.render(generator.tokenizer, question.question, chunks, prompt.REFUSAL).completion
    best_scored = partial(best_span_paths, scores=scores, chunks=chunks)
    kind = expected_type(question.question)
    spans, refusal_logprobs = generator.propose_spans(tokens, chunks, refusal, kind, best_scored)
    selected = selector.select(question.question, spans, passages, scores)
    answers, answerable = list(question.answers), bool(question.answers)
    if not spans or selected is None:
        return Prediction(question.id, answerable, 0.0, math.inf, 0.0, 0.0)
    likeliest = max(spans, key=lambda span: span.logprob)
    place = likeliest.places[0]
    texts = (place.text(chunks[place.passage - 1]), selected.text)
    f1, served_f1 = (token_f1(text, answers) if answers else 0.0 for text in texts)
    margin = sum(refusal_logprobs) - likeliest.logprob
    return Prediction(question.id, answerable, f1, margin, served_f1, selected.probability)
