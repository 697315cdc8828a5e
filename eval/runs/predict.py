"""Predictions: every generator answers the same questions on the same passages, and once more from memory alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.runs.questions import Evidence, Question, question_fields
from eval.runs.resume import resumable_batches
from rag.answering.answerer import Answerer, ScoredAnswer
from rag.core.chunk import Chunk
from rag.core.text_metrics import overlaps
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.retrieval.retriever import Passage, Retriever

BATCH = 8  # prompts with passages; those without are a tenth as long, and go four times as many at once
SEARCH_DEPTH = 20  # passages looked at for retrieval's figures; the first few are shown to the generators
TIMED = 20  # questions asked one at a time, for the latency that a user meets

PassagesById = dict[str, list[Passage]]


def chunk_holds(chunk: Chunk, evidence: Evidence) -> bool:
    """Whether the chunk shares characters with the evidence."""
    return chunk.document == evidence.document and overlaps(chunk.start, chunk.end, evidence.start, evidence.end)


def evidence_ranks(question: Question, passages: list[Passage]) -> list[int | None]:
    """-> for each piece of evidence the rank, from 1, of the first passage that holds it."""
    return [next((n for n, p in enumerate(passages, 1) if chunk_holds(p.chunk, e)), None) for e in question.evidence]


def retrieve(retriever: Retriever, questions: list[Question]) -> tuple[PassagesById, list[float]]:
    """-> question id: its passages, best first; and the seconds of each search."""
    found, seconds = {}, []
    for question in tqdm(questions, desc="retrieving", unit=" questions", delay=1):
        start = time.perf_counter()
        found[question.id] = retriever.search(question.question, SEARCH_DEPTH)
        seconds.append(time.perf_counter() - start)
    return found, seconds


def predict(
    answerer: Answerer, questions: list[Question], shown: PassagesById, path: Path, label: str
) -> list[dict[str, Any]]:
    """-> a prediction for each question, in order; see in_batches for what `path` keeps."""

    def answer(batch: list[Question]) -> list[dict[str, Any]]:
        wanted = [gold_answer_ids(answerer.generator, q) for q in batch]
        return [
            prediction_row(q, told)
            for q, told in zip(
                batch,
                answerer.answer_all([q.question for q in batch], [shown[q.id] for q in batch], wanted),
                strict=True,
            )
        ]

    rows = resumable_batches(
        path, questions, BATCH, lambda q: sum(len(p.chunk.text) for p in shown[q.id]), _or_failures(answer), label
    )
    return [rows[q.id] for q in questions]


def predict_closed_book(
    generator: Generator, questions: list[Question], max_new_tokens: int, path: Path, label: str
) -> list[dict[str, Any]]:
    """-> what the generator says to each answerable question with no passages: memory, to be told from reading (closed-book question answering,
    Roberts et al., arXiv 2002.08910)."""

    def answer(batch: list[Question]) -> list[dict[str, Any]]:
        prompts = [prompt.render_plain(generator.tokenizer, q.question, prompt.CLOSED_BOOK) for q in batch]
        told = zip(
            batch,
            *generator.generate_and_score(prompts, [gold_answer_ids(generator, q) for q in batch], max_new_tokens),
            strict=True,
        )
        return [
            {
                "id": q.id,
                "answers": list(q.answers),
                "text": prompt.parse_answer(g.text).text,
                "gold_logprobs": rounded(lp),
            }
            for q, g, lp in told
        ]

    answerable = [q for q in questions if q.answerable]
    rows = resumable_batches(path, answerable, 4 * BATCH, lambda q: len(q.question), _or_failures(answer), label)
    return [rows[q.id] for q in answerable]


def _or_failures(answer):
    """A batch that fails is counted as failures, never as empty answers."""

    def guarded(batch: list[Question]) -> list[dict[str, Any]]:
        try:
            return answer(batch)
        except (RuntimeError, prompt.PromptError) as error:
            return [{**question_fields(q), "error": f"{type(error).__name__}: {error}"} for q in batch]

    return guarded


def gold_answer_ids(generator: Generator, question: Question) -> list[int]:
    """-> token ids of the first acceptable answer, [] when the documents do not answer."""
    return generator.tokenizer(question.answers[0], add_special_tokens=False)["input_ids"] if question.answers else []


def rounded(logprobs: list[float]) -> list[float]:
    return [round(x, 4) for x in logprobs]


def measure_latencies(answerer: Answerer, questions: list[Question], shown: PassagesById) -> dict[str, list[float]]:
    """-> seconds to the first word and to the whole answer, of questions asked one at a time, evenly spaced among all, on passages never read before."""
    first, whole, generator = [], [], answerer.generator
    chosen = [questions[i * len(questions) // TIMED] for i in range(TIMED)] if len(questions) > TIMED else questions
    for question in tqdm(chosen, desc=f"timing {generator.name.split('/')[-1]}", unit=" questions", delay=1):
        heard: list[float] = []
        generator.clear_cache()
        start = time.perf_counter()
        try:
            answerer.answer(
                question.question, shown[question.id], lambda text, heard=heard: heard.append(time.perf_counter())
            )
        except (RuntimeError, prompt.PromptError):  # counted among the failures already
            continue
        whole.append(time.perf_counter() - start)
        first.append(heard[0] - start if heard else whole[-1])
    return {"first_token": first, "answer": whole}


def prediction_row(question: Question, told: ScoredAnswer) -> dict[str, Any]:
    """-> one line of predictions: the question, and what was said."""
    answer = told.answer
    return {
        **question_fields(question),
        "text": answer.text,
        "output": answer.output,
        "refused": answer.refused,
        "confidence": answer.confidence,
        "cited": [
            {"passage": c.passage, "document": c.document, "start": c.start, "end": c.end, "quote": c.quote}
            for c in answer.citations
        ],
        "passages": [
            {"document": p.chunk.document, "start": p.chunk.start, "end": p.chunk.end} for p in answer.passages
        ],
        "tokens": {"read": told.prompt_tokens, "written": told.answer_tokens},
        "gold_logprobs": rounded(told.target_logprobs),
    }
