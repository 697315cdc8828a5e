"""People's questions with the chunks that they were asked of: what the shipped encoders are trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.discovery import find_files
from rag.documents.document import Document, read_document
from rag.documents.formats.sections import Section
from rag.index.bm25 import BM25Index
from rag.models.embedder import Embedder
from rag.retrieval.retriever import reciprocal_rank_fusion

NEARBY = 20  # chunks retrieved for a question; negatives are drawn from them
SURE_BY_ORDER = 5  # questions of a paragraph, at its beginning and at its end, whose label their order tells


@dataclass(frozen=True)
class LabelledQuestion:
    """A person's question.

    chunk: position of the chunk that it was asked of. paragraph: name of that chunk's paragraph, whose other chunks are
    no negatives. document: name or title. answer: "" where unknown; answer_start: its first character in the chunk's
    text. answerable: whether the chunk answers it, None where unknown.
    """

    question: str
    chunk: int
    paragraph: str
    document: str
    answer: str
    answerable: bool | None
    answer_start: int = 0


@dataclass(frozen=True)
class LabelledQuestions:
    """Questions with all chunks of their folders, and for each chunk the name of its paragraph."""

    chunks: list[Chunk]
    paragraphs: list[str]
    questions: list[LabelledQuestion]

    def __add__(self, other: LabelledQuestions) -> LabelledQuestions:
        moved = [replace(question, chunk=question.chunk + len(self.chunks)) for question in other.questions]
        return LabelledQuestions(self.chunks + other.chunks, self.paragraphs + other.paragraphs, self.questions + moved)


def read_labelled_questions(folders: Sequence[Path], embedder: Embedder) -> LabelledQuestions:
    """Read the questions of all folders.

    A folder is a bench (documents/, questions.jsonl) or question pairs (paragraphs.jsonl, pairs.jsonl, without
    answers). Raises TrainingError for any other.
    """
    found = LabelledQuestions([], [], [])
    for folder in folders:
        if (folder / "pairs.jsonl").exists():
            found += _read_question_pairs(folder, embedder)
        elif (folder / "questions.jsonl").exists():
            found += _read_bench(folder, embedder)
        else:
            expected = "questions.jsonl or pairs.jsonl is expected"
            raise TrainingError(f"{folder} is neither a bench nor question pairs: {expected}")
    return found


def _read_bench(folder: Path, embedder: Embedder) -> LabelledQuestions:
    """Read a bench. A question without an answer belongs to the chunk of its document that is nearest to it."""
    chunks = [
        chunk
        for path, id in find_files(folder / "documents")
        for chunk in chunk_document(read_document(path, id), ChunkSettings())
    ]
    rows = read_lines(folder / "questions.jsonl")
    texts, documents = [row["question"] for row in rows], [row["document"] for row in rows]
    nearest = _nearest_chunks(texts, documents, chunks, [chunk.document for chunk in chunks], embedder)
    names = [f"{folder.name}:{n}" for n in range(len(chunks))]
    questions = []
    for row, near in zip(rows, nearest, strict=True):
        at = _chunk_at(chunks, row["document"], row["start"]) if row["answers"] else near
        if at is not None:
            answer = row["answers"][0] if row["answers"] else ""
            start = row["start"] - chunks[at].start if answer else 0
            question = row["question"].strip()
            questions.append(LabelledQuestion(question, at, names[at], row["document"], answer, bool(answer), start))
    return LabelledQuestions(chunks, names, questions)


def _chunk_at(chunks: list[Chunk], document: str, start: int) -> int | None:
    places = (n for n, c in enumerate(chunks) if c.document == document and c.start <= start < c.end)
    return next(places, None)


def _read_question_pairs(folder: Path, embedder: Embedder) -> LabelledQuestions:
    """Read question pairs. A paragraph may make several chunks; a question belongs to the one nearest to it."""
    chunks: list[Chunk] = []
    names: list[str] = []
    for row in read_lines(folder / "paragraphs.jsonl"):
        name = f"{row['title']}:{row['paragraph']}"
        found = chunk_document(_document(name, row["title"].replace("_", " "), row["text"]), ChunkSettings())
        chunks, names = chunks + found, names + [name] * len(found)
    rows = read_lines(folder / "pairs.jsonl")
    paragraphs = [f"{row['title']}:{row['paragraph']}" for row in rows]
    nearest = _nearest_chunks([row["question"] for row in rows], paragraphs, chunks, names, embedder)
    labels = answerable_by_order(paragraphs)
    questions = [
        LabelledQuestion(row["question"].strip(), at, name, row["title"], "", answerable)
        for row, name, at, answerable in zip(rows, paragraphs, nearest, labels, strict=True)
        if at is not None
    ]
    return LabelledQuestions(chunks, names, questions)


def _document(name: str, title: str, text: str) -> Document:
    return Document(name, name, title, text, (Section(0, len(text), (title,)),), "")


def answerable_by_order(paragraphs: Sequence[str]) -> list[bool | None]:
    """Return which questions their paragraph answers, inferred from their order in SQuAD 2.0.

    paragraphs: the paragraph of each question. Of a paragraph's questions those kept from SQuAD 1.1 come first, and
    those written to have no answer last (Rajpurkar et al., 2018, arXiv 1806.03822); None in between. On squad2-half-a,
    whose labels are known, 0.99 of the labels are right (eval/LOG.md).
    """
    sizes, seen = Counter(paragraphs), Counter[str]()
    labels: list[bool | None] = []
    for paragraph in paragraphs:
        place, size = seen[paragraph], sizes[paragraph]
        seen[paragraph] += 1
        first, last = min(SURE_BY_ORDER, (size - 1) // 2), min(SURE_BY_ORDER, size // 2)
        labels.append(True if place < first else False if place >= size - last else None)
    return labels


def _nearest_chunks(
    questions: list[str], homes: list[str], chunks: list[Chunk], names: list[str], embedder: Embedder
) -> list[int | None]:
    """Return for each question the position of the chunk nearest to it among those named as its home is, or None."""
    by_name: dict[str, list[int]] = {}
    for n, name in enumerate(names):
        by_name.setdefault(name, []).append(n)
    vectors = embedder.passages([chunk.embedding_text for chunk in chunks])
    return [
        max(by_name[home], key=lambda n: float(vectors[n] @ query)) if home in by_name else None
        for home, query in zip(homes, embedder.passages(questions), strict=True)
    ]


def nearby_chunks(
    chunks: list[Chunk], questions: Sequence[LabelledQuestion], embedder: Embedder
) -> Iterator[tuple[LabelledQuestion, list[int]]]:
    """Yield each question with the positions of the NEARBY chunks that are retrieved for it, best first."""
    bm25 = BM25Index.build(np.arange(len(chunks)), [chunk.search_text for chunk in chunks])
    vectors = embedder.passages([chunk.embedding_text for chunk in chunks])
    queries = embedder.passages([question.question for question in questions])
    for question, query in zip(questions, queries, strict=True):
        dense = np.argsort(-(vectors @ query), kind="stable")[:NEARBY].tolist()
        lexical = [n for n, _ in bm25.search(question.question, NEARBY)[:NEARBY]]
        fused = reciprocal_rank_fusion([dense, lexical])
        yield question, sorted(fused, key=lambda n: (-fused[n], n))[:NEARBY]
