"""Retrieval: dense and BM25 search fused by rank, and fused again with a reranker's order if there is one."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property

import numpy as np

from rag.core.chunk import Chunk
from rag.core.errors import StoreError
from rag.core.sections import RetrievalSettings
from rag.index.dense import DenseIndex
from rag.index.snapshot import SearchSnapshot, open_snapshot
from rag.index.store import DocumentStore
from rag.models.embedder import Embedder
from rag.retrieval.passage import Passage, reciprocal_rank_fusion
from rag.retrieval.reranking import Reranker, rerank
from rag.retrieval.row_search import LOOKED_AT, named_chunks, other_writings
from rag.retrieval.table_rows import Question

Hits = list[tuple[int, float]]  # chunk ids and scores, best first
MAX_ATTEMPTS = 20  # at one search, each of which another process may spoil by removing a chunk that it found


class Retriever:
    """Searches the chunks of a document store as of one change; refresh() takes up what was committed since."""

    def __init__(
        self,
        store: DocumentStore,
        embedder: Embedder,
        settings: RetrievalSettings,
        reranker: Reranker | None = None,
        dense: DenseIndex | None = None,
    ):
        """dense: this embedder's vectors of the chunks, needed where the store holds another embedder's.

        Raises StoreError when it is missing then.
        """
        self._store, self._embedder, self.settings, self._reranker = store, embedder, settings, reranker
        self.snapshot = self._open_snapshot(dense)
        self.timings: dict[str, float] = {}  # seconds of each part of the last search

    def _open_snapshot(self, dense: DenseIndex | None) -> SearchSnapshot:
        snapshot = open_snapshot(self._store)
        if dense is not None:
            return replace(snapshot, dense=dense, delta=self._embedder.delta)
        if snapshot.delta != self._embedder.delta:  # another embedder was promoted since this one was opened
            problem = f"{self._store.folder} now holds the vectors of another embedder"
            raise StoreError(f"{problem}: run the command again")
        return snapshot

    @cached_property
    def chunks(self) -> list[Chunk]:
        """All chunks, ordered by document and position."""
        return self._store.all_chunks()

    def refresh(self) -> None:
        """Take up what other processes have committed to the store."""
        if self._store.change != self.snapshot.change:
            self.snapshot = self.snapshot.updated(self._store)
            for cached in ("chunks", "_chunks_with_cells"):
                self.__dict__.pop(cached, None)

    def search(self, question: str, k: int | None = None, documents: Collection[str] | None = None) -> list[Passage]:
        """Return the k best passages, best first; k is settings.passages if None.

        documents: ids of the documents that are searched, all if None.
        """
        k = k or self.settings.passages
        start = time.perf_counter()
        vector = self._embedder.question(question)
        embedded = time.perf_counter()
        passages = self._fused(question, vector, None if self._reranker else k, documents)
        searched = time.perf_counter()
        self.timings = {"embed": embedded - start, "search": searched - embedded}
        if self._reranker:
            passages = rerank(self._reranker, question, passages, self.settings.reranked)
            self.timings["rerank"] = time.perf_counter() - searched
        return self._with_named_rows(Question(question), passages, documents)[:k]

    def _with_named_rows(
        self, question: Question, passages: list[Passage], documents: Collection[str] | None
    ) -> list[Passage]:
        """Return the passages with the chunks of table rows that the question names among those shown."""
        only = self._chunks_with_cells
        if documents is not None:
            only = np.intersect1d(only, self._store.ids_of(documents))
        if not len(only):
            return passages
        hits = dict(self.snapshot.lexical.search(other_writings(question), LOOKED_AT, only)[:LOOKED_AT])
        chunks = self._store.chunks(hits)
        searched = [Passage(chunks[id], 0.0, None, hits[id]) for id in hits if id in chunks]
        return show_named_rows(question, passages, searched, self.settings.passages)

    @cached_property
    def _chunks_with_cells(self) -> np.ndarray:
        return self._store.ids_with_cells()

    def hits(self, question: str, vector: np.ndarray, only: np.ndarray | None = None) -> tuple[Hits, Hits]:
        """Return what the dense and the BM25 search find for a question and its embedding.

        only: ids of the chunks that are searched, all if None.
        """
        k = self.settings.candidates
        return self.snapshot.dense.search(vector, k, only), self.snapshot.lexical.search(question, k, only)

    def _fused(
        self, question: str, vector: np.ndarray, k: int | None, documents: Collection[str] | None
    ) -> list[Passage]:
        for _ in range(MAX_ATTEMPTS):
            only = None if documents is None else self._store.ids_of(documents)
            dense, lexical = self.hits(question, vector, only)
            with self._store.reading():
                passages = self._fuse(dense, lexical, k)
            if passages is not None:
                return passages
            self.refresh()
        raise StoreError(f"{self._store.folder} changes faster than it can be searched: ask again after indexing")

    def _fuse(self, dense: Hits, lexical: Hits, k: int | None) -> list[Passage] | None:
        """Return the k best by both searches, None if another process has removed one of the chunks meanwhile.

        Equal scores are ordered by document and position, so that results do not depend on the order of insertion.
        """
        ids = {id for id, _ in (*dense, *lexical)}
        positions = self._store.positions(ids)
        if len(positions) < len(ids):
            return None
        rankings = [
            sorted(hits, key=lambda hit: (-hit[1], positions[hit[0]]))[: self.settings.candidates]
            for hits in (dense, lexical)
        ]
        fused = reciprocal_rank_fusion([[id for id, _ in ranking] for ranking in rankings])
        best = sorted(fused, key=lambda id: (-fused[id], positions[id]))[:k]
        chunks, cosines, bm25 = self._store.chunks(best), dict(rankings[0]), dict(rankings[1])
        return [Passage(chunks[id], fused[id], cosines.get(id), bm25.get(id), fused[id]) for id in best]


def show_named_rows(question: Question, passages: list[Passage], searched: list[Passage], shown: int) -> list[Passage]:
    """Return the passages with those in front that hold a table row which the question names.

    passages: in order, of which the first `shown` will be seen. searched: more passages with table cells. Of those seen
    that hold no such row the last ones make room.
    """
    known = {_place(passage): passage for passage in (*reversed(searched), *reversed(passages))}
    seen = list(dict.fromkeys(map(_place, passages[:shown])))
    places = list(dict.fromkeys([*seen, *map(_place, searched)]))
    named = [places[n] for n in named_chunks(question, [known[place].chunk for place in places])][:shown]
    missing = [place for place in named if place not in seen]
    spare = [place for place in seen if place not in named]
    left_out = spare[max(1, shown - len(named)) :]  # the best passage without such a row may tell what no table does
    kept = [place for place in seen if place not in left_out]
    first = [*kept, *missing[: max(0, shown - len(kept))]]
    return [known[place] for place in dict.fromkeys([*first, *map(_place, passages)])]


def _place(passage: Passage) -> tuple[str, int]:
    return passage.chunk.document, passage.chunk.start
