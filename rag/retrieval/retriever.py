"""Question -> passages: dense and lexical search, joined by reciprocal rank fusion, and once more with the cross-encoder's order if there is one."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property

from rag.core.chunk import Chunk
from rag.core.errors import StoreError
from rag.core.sections import RetrievalSettings
from rag.index.dense import DenseIndex
from rag.index.snapshot import SearchSnapshot, open_snapshot
from rag.index.store import DocumentStore
from rag.models.cross_encoder import Reranker
from rag.models.embedder import Embedder

Hits = list[tuple[int, float]]
TRIES = 20  # searches that may find chunks removed under their hands, one after the other




@dataclass(frozen=True)
class Passage:
    """A chunk as it was found: score of the fusion that ordered it, and cosine to the question (None where only BM25 found it)."""

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
    """The record's chunks, searchable as of one change. `refresh()` catches up with what other processes have committed."""

    def __init__(
        self,
        record: DocumentStore,
        embedder: Embedder,
        settings: RetrievalSettings,
        reranker: Reranker | None = None,
        dense: DenseIndex | None = None,
    ):
        """dense: the chunks by this embedder, where the index holds another's vectors. Raises StoreError when it is not given and they are another's."""
        self._record, self._embedder, self.settings, self._reranker = record, embedder, settings, reranker
        self._snapshot = self._opened(dense)
        self.timings: dict[str, float] = {}

    def _opened(self, dense: DenseIndex | None) -> SearchSnapshot:
        found = open_snapshot(self._record)
        if dense is not None:
            return replace(found, dense=dense, delta=self._embedder.delta)
        if found.delta != self._embedder.delta:  # what serves has changed since the embedder was chosen
            raise StoreError(
                f"another embedder has read the passages of {self._record.folder} meanwhile: run the command again"
            )
        return found

    @cached_property
    def chunks(self) -> list[Chunk]:
        """All chunks, ordered by document and place."""
        return self._record.all_chunks()

    def refresh(self) -> None:
        if self._record.change != self._snapshot.change:
            self._snapshot = self._snapshot.caught_up(self._record)
            self.__dict__.pop("chunks", None)

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        """-> the k best passages (settings.passages of them if k is None), best first; `timings` holds the seconds of each part."""
        k = k or self.settings.passages
        start = time.perf_counter()
        vector = self._embedder.question(question)
        embedded = time.perf_counter()
        passages = self._fused(question, vector, None if self._reranker else k)
        searched = time.perf_counter()
        self.timings = {"embed": embedded - start, "search": searched - embedded}
        if self._reranker:
            passages = self._rerank(question, passages)
            self.timings["rerank"] = time.perf_counter() - searched
        return passages[:k]

    def hits(self, question: str, vector) -> tuple[Hits, Hits]:
        """-> the ids and scores that the dense and the lexical search propose, each best first; an order of one search alone leaves the other empty."""
        return self._snapshot.dense.search(vector, self.settings.candidates), self._snapshot.lexical.search(
            question, self.settings.candidates
        )

    def _fused(self, question: str, vector, k: int | None) -> list[Passage]:
        """A chunk that another process removes during the search makes it begin anew on the record's new state."""
        for _ in range(TRIES):
            dense, lexical = self.hits(question, vector)
            with self._record.reading():
                passages = self._passages(dense, lexical, k)
            if passages is not None:
                return passages
            self.refresh()
        raise RuntimeError("the index changes faster than it can be searched")

    def _passages(self, dense: Hits, lexical: Hits, k: int | None) -> list[Passage] | None:
        """Equal scores are ordered by document and place, so that the order of insertion leaves no trace. -> None if a chunk is gone."""
        ids = {id for id, _ in (*dense, *lexical)}
        places = self._record.places(ids)
        if len(places) < len(ids):
            return None
        cut = [
            sorted(hits, key=lambda hit: (-hit[1], places[hit[0]]))[: self.settings.candidates]
            for hits in (dense, lexical)
        ]
        fused = reciprocal_rank_fusion([[id for id, _ in hits] for hits in cut])
        best = sorted(fused, key=lambda id: (-fused[id], places[id]))[:k]
        chunks, cosines = self._record.chunks(best), dict(cut[0])
        return [Passage(chunks[id], fused[id], cosines.get(id)) for id in best]

    def _rerank(self, question: str, passages: list[Passage]) -> list[Passage]:
        """The fused order and the cross-encoder's, joined by reciprocal rank: its score alone orders no better than the fused order does (eval/LOG.md).
        What it has not read stays behind what it has. Equal scores keep the fused order."""
        assert self._reranker
        scores = self._reranker.scores(question, [p.chunk for p in passages[: self.settings.reranked]])
        read = sorted(range(len(scores)), key=lambda n: (-scores[n], n))
        joined = reciprocal_rank_fusion([list(range(len(passages))), read])
        return [replace(passages[n], score=joined[n]) for n in sorted(joined, key=lambda n: (-joined[n], n))]
