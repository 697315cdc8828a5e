"""People's questions with the chunks that they were asked of: what the shipped encoders are trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.core.chunk import Chunk
from rag.index.bm25 import BM25Index
from rag.models.embedder import Embedder
from rag.retrieval.passage import reciprocal_rank_fusion

NEARBY = 20  # chunks retrieved for a question; negatives are drawn from them


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


def nearby_chunks(
    chunks: list[Chunk], questions: Sequence[LabelledQuestion], embedder: Embedder | None
) -> Iterator[tuple[LabelledQuestion, list[int]]]:
    """Yield each question with the positions of the NEARBY chunks that are retrieved for it, best first.

    embedder: None to retrieve with BM25 alone.
    """
    bm25 = BM25Index.build(np.arange(len(chunks)), [chunk.search_text for chunk in chunks])
    dense = _nearest_by_embedding(chunks, questions, embedder) if embedder else ([] for _ in questions)
    for question, ranking in zip(questions, dense, strict=True):
        lexical = [n for n, _ in bm25.search(question.question, NEARBY)[:NEARBY]]
        fused = reciprocal_rank_fusion([ranking, lexical])
        yield question, sorted(fused, key=lambda n: (-fused[n], n))[:NEARBY]


def _nearest_by_embedding(
    chunks: list[Chunk], questions: Sequence[LabelledQuestion], embedder: Embedder
) -> Iterator[list[int]]:
    vectors = embedder.passages([chunk.embedding_text for chunk in chunks])
    for query in embedder.passages([question.question for question in questions]):
        yield np.argsort(-(vectors @ query), kind="stable")[:NEARBY].tolist()
