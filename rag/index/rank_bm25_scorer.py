"""Scores by rank-bm25 itself, for small corpora."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np
from rank_bm25 import BM25Okapi

from rag.index.bm25_scoring import EPSILON, K1, B, LivingChunks


class _Okapi(BM25Okapi):
    """rank-bm25's Okapi BM25, with the mean inverse document frequency from a sum that rounds once."""

    def __init__(self, texts: list[list[str]], least_idf: float):
        self._least_idf = least_idf
        super().__init__(texts, k1=K1, b=B, epsilon=EPSILON)

    def _calc_idf(self, nd: dict[str, int]) -> None:
        super()._calc_idf(nd)
        self.idf.update({word: self._least_idf for word, n in nd.items() if n > self.corpus_size / 2})


class RankBM25Scorer:
    """Scores every chunk for every word of the question, as rank-bm25 does."""

    def __init__(self, chunks: LivingChunks):
        self._chunks = chunks
        self._ids = np.concatenate([part.ids if dead is None else part.ids[~dead] for part, dead in chunks.parts])

    @cached_property
    def _okapi(self) -> _Okapi:
        texts = [words for part, dead in self._chunks.parts for words in part.texts(dead)]
        return _Okapi(texts, self._chunks.least_idf)

    def best(self, terms: Counter[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores as `Scorer.best` does: of all chunks that share a word with the question."""
        scores = np.zeros(len(self._ids))
        if self._chunks.mean_length:  # rank-bm25 divides by it
            for word, count in terms.items():
                scores += count * self._okapi.get_scores([word])
        return self._ids[scores > 0], scores[scores > 0]
