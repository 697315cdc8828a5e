"""People's questions that come with the paragraph that they were asked of, but without answers, made a bench: what reader and boundaries find together in
that paragraph is taken for the answer (pseudo-labels: Lee, ICML workshop on challenges in representation learning, 2013)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from finetune.data import TrainingError, read_lines, write_lines
from finetune.evidence import Asked, read_questions
from rag.answerer import Answerer
from rag.chunking import Chunk
from rag.pipeline import open_answerer, open_embedder, open_generator, shipped_reader
from rag.retrieval import Passage
from rag.settings import Settings

LEAST = 0.5  # probability from which on what is found is taken for the answer


@dataclass(frozen=True)
class Found:
    """An answer, where it starts in the chunk's document, and how likely it is right."""

    answer: str
    start: int
    probability: float


def make_bench(settings: Settings, pairs: Path, out: Path) -> None:
    """Write documents/ and questions.jsonl to `out`: of the question pairs in `pairs` those that their order tells to be answered and for which an answer is
    found, and those that it tells not to be. Raises TrainingError when `pairs` holds none, or when there is no reader for the configured base."""
    reader = shipped_reader(settings)
    if not (pairs / "pairs.jsonl").exists() or not reader:
        raise TrainingError(f"{pairs} has no pairs.jsonl" if reader else "only the reader that ships finds answers: leave model.generator as it is")
    chunks, _, asked = read_questions([pairs], open_embedder(settings))
    answerer = open_answerer(settings, open_generator(settings, reader))
    places = _write_documents(read_lines(pairs / "paragraphs.jsonl"), out / "documents")
    rows, seen = [], Counter[str]()
    for q in tqdm([q for q in asked if q.answerable is not None], desc="finding answers", unit=" questions"):
        found = find(answerer, q.question, chunks[q.home]) if q.answerable else None
        seen["answered" if found else "not found" if q.answerable else "not answered"] += 1
        if found or not q.answerable:
            rows.append(_line(q, len(rows), found, places))
    write_lines(out / "questions.jsonl", rows)
    print(f"{dict(seen)}, in {out}")


def _line(q: Asked, number: int, found: Found | None, places: dict[str, int]) -> dict:
    line = {"id": f"{q.document}-{number}", "question": q.question, "document": _name(q.document)}
    if not found:
        return {**line, "answers": [], "start": -1}
    return {**line, "answers": [found.answer], "start": places[q.paragraph] + found.start, "probability": found.probability}


def _name(title: str) -> str:
    return f"{title.replace('/', '-')}.md"


def _write_documents(paragraphs: list[dict], folder: Path) -> dict[str, int]:
    """-> where each paragraph starts in its document."""
    folder.mkdir(parents=True, exist_ok=True)
    texts: dict[str, str] = {}
    places = {}
    for row in paragraphs:
        so_far = texts.get(row["title"]) or f"# {row['title'].replace('_', ' ')}\n\n"
        places[f"{row['title']}:{row['paragraph']}"] = len(so_far)
        texts[row["title"]] = f"{so_far}{row['text']}\n\n"
    for title, text in texts.items():
        (folder / _name(title)).write_text(text, encoding="utf-8")
    return places


def find(answerer: Answerer, question: str, chunk: Chunk) -> Found | None:
    """-> the answer, None where nothing is likely enough, or it does not stand there in these letters."""
    said = answerer.answer(question, [Passage(chunk, 0.0, None)])
    if said.refused or said.confidence < LEAST:
        return None
    at = chunk.text.find(said.text, said.citations[0].start - chunk.start)
    return Found(said.text, chunk.start + at, said.confidence) if at >= 0 else None
