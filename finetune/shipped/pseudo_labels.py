"""Pseudo-labels (Lee, ICML 2013 workshop on representation learning): a bench from question pairs without answers.

People's questions come with the paragraph that they were asked of. What the shipped reader finds in that paragraph is
taken for the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.retriever.labelled_questions import LabelledQuestion
from finetune.retriever.question_folders import read_labelled_questions
from finetune.shipped.span_proposals import proposal_versions, proposal_weights
from rag.answering.answerer import Answerer
from rag.answering.span_selector import SHIPPED as SPAN_SELECTOR
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import digest_of, read_lines, resumable_map, write_lines
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.factory import open_answerer, open_embedder, open_generator, shipped_reader
from rag.retrieval.passage import Passage

STAGE = Stage("reader", "labels")
LEAST_CONFIDENCE = 0.5  # from which on what is found is taken for the answer
# Raise it by hand when this module labels the same questions otherwise; see PROPOSALS_VERSION for the rules of spans.
LABELS_VERSION = "1"


@dataclass(frozen=True)
class FoundAnswer:
    """An answer, its first character in the chunk's document, and the probability that it is right."""

    answer: str
    start: int
    probability: float


def make_bench(settings: Settings, pairs: Path, out: Path) -> None:
    """Write documents/ and questions.jsonl to `out`, a bench made from the question pairs in the folder `pairs`.

    It has the questions that their order tells to be answerable, where an answer is found, and those that it tells not
    to be. Answers are kept in var/runs/reader/labels, so that a killed call goes on. Raises TrainingError when the
    folder has no pairs, or when there is no shipped reader for the configured base.
    """
    reader = shipped_reader(settings)
    if not reader:
        raise TrainingError("only the reader that ships finds answers: leave model.generator as it is")
    if not (pairs / "pairs.jsonl").exists():
        raise TrainingError(f"{pairs} has no pairs.jsonl")
    labelled = read_labelled_questions([pairs], open_embedder(settings))
    answerer = open_answerer(settings, open_generator(settings, reader))
    starts = _write_documents(read_lines(pairs / "paragraphs.jsonl"), out / "documents")
    answerable = [question for question in labelled.questions if question.answerable]
    answers = _find_answers(settings, pairs, answerer, answerable, labelled.chunks)
    found = {question: answer for question, answer in zip(answerable, answers, strict=True) if answer}
    kept = [question for question in labelled.questions if question in found or question.answerable is False]
    rows = [_row(question, number, found.get(question), starts) for number, question in enumerate(kept)]
    write_lines(out / "questions.jsonl", rows)
    counts = {
        "answered": len(found),
        "not answered": sum(question.answerable is False for question in labelled.questions),
        "not found": answers.count(None),
    }
    print(f"{counts}, in {out}")


def _find_answers(
    settings: Settings,
    pairs: Path,
    answerer: Answerer,
    questions: Sequence[LabelledQuestion],
    chunks: list[Chunk],
) -> list[FoundAnswer | None]:
    def find(question: LabelledQuestion) -> dict[str, Any] | None:
        answer = find_answer(answerer, question.question, chunks[question.chunk])
        return asdict(answer) if answer else None

    path = STAGE.folder / f"{pairs.name}-{_cache_key(settings, pairs)}.jsonl"
    lines = resumable_map(path, questions, find, "finding answers")
    return [FoundAnswer(**line) if line else None for line in lines]


def _cache_key(settings: Settings, pairs: Path) -> str:
    rules = [f"labels {LABELS_VERSION}", str(LEAST_CONFIDENCE), *proposal_versions(settings)]
    files = [*proposal_weights(), SPAN_SELECTOR, pairs / "pairs.jsonl", pairs / "paragraphs.jsonl"]
    return digest_of(rules, files)


def find_answer(answerer: Answerer, question: str, chunk: Chunk) -> FoundAnswer | None:
    """Return the answer in the chunk, None where none is likely enough or it does not stand there letter by letter."""
    answer = answerer.answer(question, [Passage(chunk, 0.0, None)])
    if answer.refused or answer.confidence < LEAST_CONFIDENCE:
        return None
    at = chunk.text.find(answer.text, answer.citations[0].start - chunk.start)
    return FoundAnswer(answer.text, chunk.start + at, answer.confidence) if at >= 0 else None


def _row(question: LabelledQuestion, number: int, found: FoundAnswer | None, starts: dict[str, int]) -> dict[str, Any]:
    """Return a row of questions.jsonl. starts: as `_write_documents` returns them."""
    row = {
        "id": f"{question.document}-{number}",
        "question": question.question,
        "document": _file_name(question.document),
    }
    if not found:
        return {**row, "answers": [], "start": -1}
    start = starts[question.paragraph] + found.start
    return {**row, "answers": [found.answer], "start": start, "probability": found.probability}


def _file_name(title: str) -> str:
    return f"{title.replace('/', '-')}.md"


def _write_documents(paragraphs: list[dict[str, Any]], folder: Path) -> dict[str, int]:
    """Write the paragraphs of each title as one document, and return where each paragraph starts in it."""
    folder.mkdir(parents=True, exist_ok=True)
    texts: dict[str, str] = {}
    starts: dict[str, int] = {}
    for row in paragraphs:
        before = texts.get(row["title"]) or f"# {row['title'].replace('_', ' ')}\n\n"
        starts[f"{row['title']}:{row['paragraph']}"] = len(before)
        texts[row["title"]] = f"{before}{row['text']}\n\n"
    for title, text in texts.items():
        (folder / _file_name(title)).write_text(text, encoding="utf-8")
    return starts
