"""Reordering of the first passages by a model that reads each one together with the question."""

from __future__ import annotations

from dataclasses import replace

from rag.models.cross_encoder import CrossEncoder
from rag.models.span_scorer import SpanScorer
from rag.retrieval.passage import Passage, reciprocal_rank_fusion

Reranker = CrossEncoder | SpanScorer


def rerank(reranker: Reranker, question: str, passages: list[Passage], read: int) -> list[Passage]:
    """Return the passages by the fusion of their order with the reranker's, whose scores alone order no better.

    passages: best first, of which the first `read` are read; the others stay behind them. Equal scores keep their
    order. What the span scorer says of a passage stays with it, for the answer (eval/LOG.md).
    """
    first = _read(reranker, question, passages[:read])
    passages = [*first, *passages[read:]]
    by_score = sorted(range(len(first)), key=lambda n: (-(first[n].reranked or 0.0), n))
    fused = reciprocal_rank_fusion([list(range(len(passages))), by_score])
    return [replace(passages[n], score=fused[n]) for n in sorted(fused, key=lambda n: (-fused[n], n))]


def _read(reranker: Reranker, question: str, passages: list[Passage]) -> list[Passage]:
    chunks = [passage.chunk for passage in passages]
    if isinstance(reranker, SpanScorer):
        readings = reranker.score(question, [chunk.search_text for chunk in chunks])
        found = zip(passages, readings, strict=True)
        return [replace(p, reranked=reading.best_span().score, reading=reading) for p, reading in found]
    scores = reranker.scores(question, chunks)
    return [replace(passage, reranked=score) for passage, score in zip(passages, scores, strict=True)]
