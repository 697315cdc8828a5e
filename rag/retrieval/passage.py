"""A chunk that was found for a question, with the scores that it got on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rag.core.chunk import Chunk
from rag.models.span_scorer import SpanScores


@dataclass(frozen=True)
class Passage:
    """A chunk found for a question.

    score: of the last fusion, by which passages are ordered, but for those that are shown for a table row. cosine: of
    the embeddings of chunk and question; None if only BM25 found the chunk. bm25: None if only the dense search found
    it. fused: of the fusion of these two. reranked: the reranker's; None if it has not read the chunk. reading: where
    the span scorer finds answers in the chunk's `search_text`; None if it has not read it for the order.
    """

    chunk: Chunk
    score: float
    cosine: float | None
    bm25: float | None = None
    fused: float | None = None
    reranked: float | None = None
    reading: SpanScores | None = None

    @property
    def stage_scores(self) -> dict[str, float | None]:
        """The scores of the search's stages; None where a stage has not found or not read the passage."""
        return {"dense": self.cosine, "bm25": self.bm25, "fused": self.fused, "reranked": self.reranked}


def passage_facts(passage: Passage) -> dict[str, Any]:
    """Return where the passage stands, the scores of the stages and its text, as programs get them."""
    chunk = passage.chunk
    place = {"document": chunk.document, "location": chunk.location, "page": chunk.page}
    return {**place, "start": chunk.start, "end": chunk.end, **passage.stage_scores, "text": chunk.text}


def reciprocal_rank_fusion(rankings: list[list[int]], k: int = 60) -> dict[int, float]:
    """Return the sum of 1 / (k + rank) for each ranked item, ranks from 1 (Cormack, Clarke & Büttcher, SIGIR 2009)."""
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            fused[item] = fused.get(item, 0.0) + 1 / (k + rank)
    return fused
