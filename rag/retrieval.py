"""Question -> passages: dense and lexical search, joined by reciprocal rank fusion, then the cross-encoder if there is one."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.chunking import Chunk
from rag.dense import Dense
from rag.embedder import Embedder
from rag.lexical import Lexical
from rag.reranker import Reranker
from rag.store import Store


@dataclass(frozen=True)
class RetrievalSettings:
    """passages: how many are shown to the generator. candidates: how many each search proposes for the fusion."""

    passages: int = 3
    candidates: int = 50


@dataclass(frozen=True)
class Passage:
    """A chunk as it was found: fused score, and cosine to the question (None where only BM25 found it)."""

    chunk: Chunk
    score: float
    cosine: float | None


def reciprocal_rank_fusion(rankings: list[list[int]], k: int = 60) -> dict[int, float]:
    """Sum of 1 / (k + rank), ranks from 1 (Cormack, Clarke & Büttcher, SIGIR 2009). -> item: score."""
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            fused[item] = fused.get(item, 0.0) + 1 / (k + rank)
    return fused


class Retriever:
    """The store's chunks, searchable. `refresh()` catches up with what other processes have committed."""

    def __init__(self, store: Store, embedder: Embedder, settings: RetrievalSettings, reranker: Reranker | None = None):
        self._store, self._embedder, self.settings, self._reranker = store, embedder, settings, reranker
        self._change = -1
        self.timings: dict[str, float] = {}
        self.refresh()

    def refresh(self) -> None:
        if self._store.change == self._change:
            return
        self.chunks, vectors, self._change = self._store.load()
        self._dense = Dense.open(self._store.folder, vectors, self._change)
        self._lexical = Lexical(self.chunks)

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        """-> the k best passages (settings.passages of them if k is None), best first; `timings` holds the seconds of each part."""
        k = k or self.settings.passages
        start = time.perf_counter()
        vector = self._embedder.question(question)
        embedded = time.perf_counter()
        dense = dict(self._dense.search(vector, self.settings.candidates))
        lexical = dict(self._lexical.search(question, self.settings.candidates))
        fused = reciprocal_rank_fusion([list(dense), list(lexical)])
        best = sorted(fused, key=lambda i: (-fused[i], i))
        searched = time.perf_counter()
        passages = [Passage(self.chunks[i], fused[i], dense.get(i)) for i in best]
        self.timings = {"embed": embedded - start, "search": searched - embedded}
        if self._reranker:
            passages = self._rerank(question, passages)
            self.timings["rerank"] = time.perf_counter() - searched
        return passages[:k]

    def _rerank(self, question: str, passages: list[Passage]) -> list[Passage]:
        assert self._reranker
        scores = self._reranker.scores(question, [p.chunk for p in passages])
        ranked = sorted(zip(scores, range(len(passages)), strict=True), key=lambda pair: (-pair[0], pair[1]))
        return [Passage(passages[i].chunk, score, passages[i].cosine) for score, i in ranked]
