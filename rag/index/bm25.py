"""Lexical search by Okapi BM25 (Robertson & Zaragoza 2009), with the scores of rank-bm25 for any number of chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from rag.core.terms import stem
from rag.core.words import search_terms
from rag.index.array_file import load_arrays, save_arrays
from rag.index.bm25_scoring import LivingChunks, PostingsScorer, Scorer
from rag.index.inverted_index import InvertedIndex

KIND = "bm25-4"
# Chunks up to which rank-bm25 itself gives the scores; it builds its index in memory at the first question. CPU time of
# opening and the first question, then of each further one: with 200 chunks 4.6 and 0.25 ms (postings: 0.8 and 0.12 ms),
# with 1,000 chunks 18 and 1.1 ms (postings: 1.0 and 0.14 ms), with 100,000 chunks 6 s and 350 ms (postings: 28 and
# 2 ms).
RANK_BM25_MOST = 200


_stem = lru_cache(2**16)(stem)  # a text has few words that are its own


def index_terms(text: str) -> list[str]:
    """Return what of a text BM25 compares: its search terms, and of English words their stems (eval/LOG.md)."""
    return [_stem(term) if term.isascii() and term.isalpha() else term for term in search_terms(text)]


class BM25Index:
    """BM25 scores of chunks, by the chunks' ids.

    It is a base, as its file holds it, with what was added and removed since. Scores depend on the living chunks alone:
    they are those of an index made anew, to the bit.
    """

    def __init__(self, base: InvertedIndex, added: dict[int, Counter[str]] | None = None, removed: Iterable[int] = ()):
        """Join a base with later changes.

        added: the counted words of each chunk added since, by its id. removed: ids of the base's chunks that are gone.
        """
        self._base, self._added = base, added or {}
        self._removed = np.array(sorted(removed), np.int64)

    @classmethod
    def build(cls, ids: np.ndarray, texts: Iterable[str]) -> BM25Index:
        """Index texts, one for each id; ids ascend."""
        return cls(InvertedIndex.build(_counted(ids, texts).items()))

    def save(self, path: Path, change: int) -> None:
        """Write the base, with the store's change number that it has seen. Raises OSError."""
        save_arrays(path, self._base.arrays(), KIND, change)

    @classmethod
    def load(cls, path: Path) -> tuple[BM25Index, int]:
        """Return a saved index and the change number that it has seen.

        Raises SearchFileError when the file is missing, damaged or of another version.
        """
        arrays, change = load_arrays(path, KIND)
        return cls(InvertedIndex(**arrays)), change

    def updated(self, ids: np.ndarray, texts: Iterable[str], removed: np.ndarray) -> BM25Index:
        """Return an index with these texts added and those ids removed; this one stays as it is."""
        gone = set(removed.tolist())
        added = {**self._added, **_counted(ids, texts)}
        left = {id: words for id, words in added.items() if id not in gone}
        return BM25Index(self._base, left, {*self._removed.tolist(), *(gone - added.keys())})

    def __len__(self) -> int:
        """Return the number of chunks."""
        dead = self._dead
        return len(self._base.ids) - (int(dead.sum()) if dead is not None else 0) + len(self._added)

    @cached_property
    def _dead(self) -> np.ndarray | None:
        return np.isin(self._base.ids, self._removed, assume_unique=True) if len(self._removed) else None

    @cached_property
    def _scorer(self) -> Scorer:
        chunks = LivingChunks(self._base, self._dead, InvertedIndex.build(self._added.items()))
        if len(self) > RANK_BM25_MOST:
            return PostingsScorer(chunks)
        from rag.index.rank_bm25_scorer import RankBM25Scorer

        return RankBM25Scorer(chunks)

    def search(self, question: str, k: int, only: np.ndarray | None = None) -> list[tuple[int, float]]:
        """Return ids and scores of the k best chunks, best first, and of all that equal the last of them.

        Chunks that share no word with the question are left out, and so may be fewer than k. only: ids of the chunks
        that are searched, all if None; their scores are the same either way.
        """
        ids, scores = self._scorer.best(Counter(index_terms(question)), k if only is None else len(self))
        if only is not None:
            searched = np.isin(ids, only)
            ids, scores = ids[searched], scores[searched]
        if len(ids) > k:
            best = scores >= np.partition(scores, -k)[-k]
            ids, scores = ids[best], scores[best]
        order = np.lexsort((ids, -scores))
        return list(zip(ids[order].tolist(), scores[order].tolist(), strict=True))


def _counted(ids: np.ndarray, texts: Iterable[str]) -> dict[int, Counter[str]]:
    return {id: Counter(index_terms(text)) for id, text in zip(ids.tolist(), texts, strict=True)}
