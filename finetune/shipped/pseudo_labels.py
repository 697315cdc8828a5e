"""People's questions that come with the paragraph that they were asked of, but without answers, made a bench: what reader and boundaries find together in
that paragraph is taken for the answer (pseudo-labels: Lee, ICML workshop on challenges in representation learning, 2013)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from finetune.retriever.cross_encoder_pairs import LabelledQuestion, read_labelled_questions
from finetune.shipped.span_proposals import proposal_files
from rag.answering.answerer import Answerer
from rag.answering.span_selector import SHIPPED as CHOOSER
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import digest_of, read_lines, resumable_map, write_lines
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.factory import open_answerer, open_embedder, open_generator, shipped_reader
from rag.retrieval.retriever import Passage

STAGE = Stage("reader", "labels")
LEAST = 0.5  # probability from which on what is found is taken for the answer


@dataclass(frozen=True)
class FoundAnswer:
    """An answer, where it starts in the chunk's document, and how likely it is right."""

    answer: str
    start: int
    probability: float


def make_bench(settings: Settings, pairs: Path, out: Path) -> None:
    """Write documents/ and questions.jsonl to `out`: of the question pairs in `pairs` those that their order tells to be answered and for which an answer is
    found, and those that it tells not to be. What is found stays in var/runs/reader/labels, so that a killed run goes on. Raises TrainingError when `pairs`
    holds none, or when there is no reader for the configured base."""
    reader = shipped_reader(settings)
    if not (pairs / "pairs.jsonl").exists() or not reader:
        raise TrainingError(
            f"{pairs} has no pairs.jsonl"
            if reader
            else "only the reader that ships finds answers: leave model.generator as it is"
        )
    chunks, _, asked = read_labelled_questions([pairs], open_embedder(settings))
    answerer = open_answerer(settings, open_generator(settings, reader))
    places = _write_documents(read_lines(pairs / "paragraphs.jsonl"), out / "documents")
    told = [q for q in asked if q.answerable]
    lines = resumable_map(
        STAGE.folder / f"{pairs.name}-{_basis(settings, pairs)}.jsonl",
        told,
        lambda q: _found(answerer, q, chunks),
        "finding answers",
    )
    found = {q: FoundAnswer(**line) for q, line in zip(told, lines, strict=True) if line}
    labelled = [q for q in asked if q in found or q.answerable is False]
    rows = [_line(q, number, found.get(q), places) for number, q in enumerate(labelled)]
    seen = {
        "answered": sum(map(bool, lines)),
        "not answered": sum(q.answerable is False for q in asked),
        "not found": lines.count(None),
    }
    write_lines(out / "questions.jsonl", rows)
    print(f"{seen}, in {out}")


def _basis(settings: Settings, pairs: Path) -> str:
    """-> what the answers found depend on, as 12 hex digits."""
    return digest_of(
        [str(LEAST), *settings.overrides],
        [*proposal_files(), CHOOSER, pairs / "pairs.jsonl", pairs / "paragraphs.jsonl"],
    )


def _found(answerer: Answerer, q: LabelledQuestion, chunks: list[Chunk]) -> dict | None:
    found = find(answerer, q.question, chunks[q.home])
    return asdict(found) if found else None


def _line(q: LabelledQuestion, number: int, found: FoundAnswer | None, places: dict[str, int]) -> dict:
    line = {"id": f"{q.document}-{number}", "question": q.question, "document": _name(q.document)}
    if not found:
        return {**line, "answers": [], "start": -1}
    return {
        **line,
        "answers": [found.answer],
        "start": places[q.paragraph] + found.start,
        "probability": found.probability,
    }


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


def find(answerer: Answerer, question: str, chunk: Chunk) -> FoundAnswer | None:
    """-> the answer, None where nothing is likely enough, or it does not stand there in these letters."""
    said = answerer.answer(question, [Passage(chunk, 0.0, None)])
    if said.refused or said.confidence < LEAST:
        return None
    at = chunk.text.find(said.text, said.citations[0].start - chunk.start)
    return FoundAnswer(said.text, chunk.start + at, said.confidence) if at >= 0 else None
