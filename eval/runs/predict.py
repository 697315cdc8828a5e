"""Predictions: every generator answers the same questions on the same passages, and once more from memory alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from eval.metrics.prediction import Figures, Prediction
from eval.runs.questions import Evidence, Question, question_fields
from eval.runs.resume import resumable_batches
from rag.answering.answerer import Answerer, ScoredAnswer
from rag.core.chunk import Chunk
from rag.core.text_metrics import overlaps
from rag.generation import prompt
from rag.generation.generator import Generator, Prompt
from rag.retrieval.passage import Passage
from rag.retrieval.retriever import Retriever

BATCH = 8  # prompts with passages; those without are a tenth as long, and go four times as many at once
SEARCH_DEPTH = 20  # passages searched for, to measure retrieval; the first few are shown to the generators
TIMED = 20  # questions asked one at a time, for the latency that a user meets

PassagesById = dict[str, list[Passage]]  # by question id, best first
Batch = list[Question]


def chunk_holds(chunk: Chunk, evidence: Evidence) -> bool:
    """Return whether the chunk shares characters with the evidence."""
    return chunk.document == evidence.document and overlaps(chunk.start, chunk.end, evidence.start, evidence.end)


def evidence_ranks(question: Question, passages: list[Passage]) -> list[int | None]:
    """Return for each piece of evidence the rank, from 1, of the first passage that holds it, or None."""
    return [next((n for n, p in enumerate(passages, 1) if chunk_holds(p.chunk, e)), None) for e in question.evidence]


def retrieve(retriever: Retriever, questions: list[Question]) -> tuple[PassagesById, list[float]]:
    """Search for each question; return its passages, best first, and the seconds of each search."""
    found, seconds = {}, []
    for question in tqdm(questions, desc="retrieving", unit=" questions", delay=1):
        start = time.perf_counter()
        found[question.id] = retriever.search(question.question, SEARCH_DEPTH)
        seconds.append(time.perf_counter() - start)
    return found, seconds


def predict(
    answerer: Answerer, questions: list[Question], passages: PassagesById, path: Path, label: str
) -> list[Prediction]:
    """Answer each question from its passages, in order; predictions already in the file `path` are kept."""
    extractive = answerer.selector is not None

    def answer(batch: Batch) -> list[Prediction]:
        targets = [gold_answer_ids(answerer.generator, q) for q in batch]
        answers = answerer.answer_all([q.question for q in batch], [passages[q.id] for q in batch], targets)
        return [prediction_row(q, scored, extractive) for q, scored in zip(batch, answers, strict=True)]

    def length(question: Question) -> int:
        return sum(len(p.chunk.text) for p in passages[question.id])

    rows = resumable_batches(path, questions, BATCH, length, _counting_failures(answer), label)
    return [rows[q.id] for q in questions]


def predict_closed_book(
    generator: Generator, questions: list[Question], max_new_tokens: int, path: Path, label: str
) -> list[Prediction]:
    """Answer each answerable question without passages, to tell memory from reading.

    This is closed-book question answering (Roberts et al., arXiv 2002.08910).
    """

    def answer(batch: Batch) -> list[Prediction]:
        prompts: list[Prompt] = [
            prompt.render_plain(generator.tokenizer, q.question, prompt.CLOSED_BOOK) for q in batch
        ]
        targets = [gold_answer_ids(generator, q) for q in batch]
        generations, logprobs = generator.generate_and_score(prompts, targets, max_new_tokens)
        texts = [prompt.parse_answer(generation.text).text for generation in generations]
        return [
            {"id": q.id, "answers": list(q.answers), "text": text, "gold_logprobs": _rounded(target)}
            for q, text, target in zip(batch, texts, logprobs, strict=True)
        ]

    answerable = [q for q in questions if q.answerable]
    work = _counting_failures(answer)
    rows = resumable_batches(path, answerable, 4 * BATCH, lambda q: len(q.question), work, label)
    return [rows[q.id] for q in answerable]


def _counting_failures(answer: Callable[[Batch], list[Prediction]]) -> Callable[[Batch], list[Prediction]]:
    """A batch that fails gives failed predictions, never empty answers."""

    def guarded(batch: Batch) -> list[Prediction]:
        try:
            return answer(batch)
        except (RuntimeError, prompt.PromptError) as error:
            return [{**question_fields(q), "error": f"{type(error).__name__}: {error}"} for q in batch]

    return guarded


def gold_answer_ids(generator: Generator, question: Question) -> list[int]:
    """Return the token ids of the first acceptable answer, [] where the documents do not answer."""
    return generator.tokenizer(question.answers[0], add_special_tokens=False)["input_ids"] if question.answers else []


def _rounded(logprobs: list[float]) -> list[float]:
    return [round(x, 4) for x in logprobs]


def prediction_row(question: Question, scored: ScoredAnswer, extractive: bool) -> Prediction:
    """Return the prediction of an answered question; eval.metrics.prediction describes its keys."""
    answer = scored.answer
    names = ("passage", "document", "start", "end", "quote", "row", "column")
    cited = [{name: getattr(citation, name) for name in names} for citation in answer.citations]
    return {
        **question_fields(question),
        "text": answer.text,
        "output": answer.output,
        "extractive": extractive,
        "refused": answer.refused,
        "answered_by": answer.kind,
        "confidence": answer.confidence,
        "cited": cited,
        "passages": [_place(p.chunk) for p in answer.passages],
        "tokens": {"read": scored.prompt_tokens, "written": scored.answer_tokens},
        "gold_logprobs": _rounded(scored.target_logprobs),
    }


def _place(chunk: Chunk) -> Figures:
    return {"document": chunk.document, "start": chunk.start, "end": chunk.end}


def measure_latencies(answerer: Answerer, questions: list[Question], passages: PassagesById) -> dict[str, list[float]]:
    """Time some questions, evenly spaced among all, asked one at a time on passages that were never read.

    Returns the seconds to the first word and to the whole answer of each.
    """
    first, whole = [], []
    chosen = [questions[i * len(questions) // TIMED] for i in range(TIMED)] if len(questions) > TIMED else questions
    name = answerer.generator.name.split("/")[-1]
    for question in tqdm(chosen, desc=f"timing {name}", unit=" questions", delay=1):
        answerer.generator.clear_cache()
        try:
            to_first, to_end = _time_answer(answerer, question, passages[question.id])
        except (RuntimeError, prompt.PromptError):
            continue  # already counted among the failures
        first.append(to_first)
        whole.append(to_end)
    return {"first_token": first, "answer": whole}


def _time_answer(answerer: Answerer, question: Question, passages: list[Passage]) -> tuple[float, float]:
    times: list[float] = []
    start = time.perf_counter()
    answerer.answer(question.question, passages, lambda text: times.append(time.perf_counter()))
    end = time.perf_counter()
    return (times[0] if times else end) - start, end - start
