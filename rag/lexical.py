"""Lexical search: Okapi BM25 (Robertson & Zaragoza 2009) as rank-bm25 computes it."""

from __future__ import annotations

import re

import numpy as np
from rank_bm25 import BM25Okapi

from rag.chunking import Chunk

STOPWORDS = frozenset(
    """a an and are as at be been by can did do does for from had has have how in is it its many much of on or than that the their
    there they this to was were what when where which who whom whose why will with would you your""".split()
)


def words(text: str) -> list[str]:
    """Lower-case words and numbers; a plural s is dropped so that "pallets" finds "pallet"."""
    return [w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in re.findall(r"\w+", text.lower())]


class Lexical:
    """BM25 over the chunks' headings and text."""

    def __init__(self, chunks: list[Chunk]):
        self._bm25 = BM25Okapi([words(chunk.searched) for chunk in chunks]) if chunks else None

    def search(self, question: str, k: int) -> list[tuple[int, float]]:
        """-> (position, score) of the k best that share a word with the question, best first; ties by position."""
        if self._bm25 is None:
            return []
        scores = self._bm25.get_scores(words(question))
        best = np.argsort(-scores, kind="stable")[:k]
        return [(int(i), float(scores[i])) for i in best if scores[i] > 0]
