"""Lexical search: Okapi BM25 (Robertson & Zaragoza 2009) with the scores of rank-bm25, from an inverted index that is mapped, not read.

A `Lexical` is a base, as its file holds it, with what was added and removed since. N, document frequencies and lengths are those of the living chunks,
and every sum is either exact or in an order that the history does not change: the scores are those of an index made anew, to the bit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rag.core.words import search_terms
from rag.index.array_file import load_arrays, save_arrays
from rag.index.inverted_index import InvertedIndex

K1, B, EPSILON = 1.5, 0.75, 0.25  # rank-bm25's
COMMON, KEPT = (
    500,
    10_000_000,
)  # texts that hold a word, from which on its shares are kept; pairs of numbers kept at most (16 bytes each)


class BM25Index:
    """BM25 over chunks, by their ids."""

    def __init__(self, base: InvertedIndex, added: dict[int, Counter] | None = None, removed: Iterable[int] = ()):
        """added: chunk id -> its words, counted. removed: ids of the base's chunks that are gone."""
        self._base, self._added = base, added or {}
        self._removed = np.array(sorted(removed), np.int64)
        delta = InvertedIndex.build(self._added.items())
        dead = np.isin(base.ids, self._removed, assume_unique=True) if len(self._removed) else None
        self._parts = [(base, dead), (delta, None)]
        self._shares: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._kept = 0
        self._measure()

    def _measure(self) -> None:
        """What every score depends on: number of chunks, mean length, and the mean inverse document frequency that stands in for negative ones."""
        base, dead = self._parts[0]
        delta = self._parts[1][0]
        self._size = len(self)
        self._frequencies = base.frequencies(dead)
        lengths = (
            int(base.lengths.sum())
            - (int(base.lengths[dead].sum()) if dead is not None else 0)
            + int(delta.lengths.sum())
        )
        self._mean = lengths / self._size if self._size else 0.0
        self._norms = [
            K1 * (1 - B + B * part.lengths / self._mean) if self._mean else np.zeros(len(part.ids))
            for part, _ in self._parts
        ]
        counts = np.bincount(self._joint_frequencies(delta))
        seen = [(count, n) for n, count in enumerate(counts.tolist()) if n and count]
        total = math.fsum(count * self._raw_idf(n) for count, n in seen)
        self._floor = EPSILON * total / sum(count for count, _ in seen) if seen else 0.0

    def _joint_frequencies(self, delta: InvertedIndex) -> np.ndarray:
        """-> in how many living chunks each word occurs, base and delta together."""
        joint, new = self._frequencies.astype(np.int64, copy=True), []
        for word, n in zip(delta.words(), delta.frequencies(None).tolist(), strict=True):
            at = self._base.find(word)
            if at is None:
                new.append(n)
            else:
                joint[at] += n
        return np.concatenate([joint, np.array(new, np.int64)])

    def _raw_idf(self, n: int) -> float:
        return math.log(self._size - n + 0.5) - math.log(n + 0.5)

    @classmethod
    def build(cls, ids: np.ndarray, texts: Iterable[str]) -> BM25Index:
        """-> an index of texts, one an id; ids ascend."""
        return cls(
            InvertedIndex.build((id, Counter(search_terms(text))) for id, text in zip(ids.tolist(), texts, strict=True))
        )

    def save(self, path: Path, change: int) -> None:
        """Keep the base, with the change of the record that it has seen. Raises OSError."""
        save_arrays(path, self._base.arrays(), {"kind": "lexical-1", "change": change})

    @classmethod
    def load(cls, path: Path) -> tuple[BM25Index, int]:
        """-> a saved index, and the change that it has seen. Raises DerivedError when the file is missing, damaged or of another version."""
        arrays, about = load_arrays(path, "lexical-1")
        return cls(InvertedIndex(**arrays)), about["change"]

    def updated(self, ids: np.ndarray, texts: Iterable[str], removed: np.ndarray) -> BM25Index:
        """-> an index with these texts added and those ids removed; this one stays as it is."""
        gone = set(removed.tolist())
        added = {
            **self._added,
            **{id: Counter(search_terms(text)) for id, text in zip(ids.tolist(), texts, strict=True)},
        }
        return BM25Index(
            self._base,
            {id: found for id, found in added.items() if id not in gone},
            {*self._removed.tolist(), *(gone - added.keys())},
        )

    def __len__(self) -> int:
        """Number of chunks."""
        base, dead = self._parts[0]
        return len(base.ids) - (int(dead.sum()) if dead is not None else 0) + len(self._added)

    def search(self, question: str, k: int) -> list[tuple[int, float]]:
        """-> (id, score) of the k best that share a word with the question, best first, and of all that equal the last of them."""
        asked = [(self._places(word), count) for word, count in Counter(search_terms(question)).items()]
        weights = [count * self._idf(places) for places, count in asked]
        found = [
            self._best(n, [(places[n], weight) for (places, _), weight in zip(asked, weights, strict=True)], k)
            for n in range(len(self._parts))
        ]
        ids, scores = (np.concatenate(column) for column in zip(*found, strict=True))
        if len(ids) > k:
            best = scores >= np.partition(scores, -k)[-k]
            ids, scores = ids[best], scores[best]
        order = np.lexsort((ids, -scores))
        return list(zip(ids[order].tolist(), scores[order].tolist(), strict=True))

    def _places(self, word: str) -> list[int | None]:
        """-> the word's number in each part, None where it does not occur."""
        return [part.find(word) if len(part.ids) else None for part, _ in self._parts]

    def _idf(self, places: list[int | None]) -> float:
        base, delta = places
        n = (int(self._frequencies[base]) if base is not None else 0) + (
            self._parts[1][0].frequency(delta) if delta is not None else 0
        )
        idf = self._raw_idf(n) if n else 0.0
        return idf if idf >= 0 else self._floor

    def _best(self, n: int, asked: list[tuple[int | None, float]], k: int) -> tuple[np.ndarray, np.ndarray]:
        """asked: words of part `n` and their weights. -> ids and scores, all above 0, of the k best of the part and of all that equal the last."""
        part, dead = self._parts[n]
        asked = [(word, weight) for word, weight in asked if word is not None]
        if not asked:
            return np.zeros(0, np.int64), np.zeros(0)
        scores, touched = np.zeros(len(part.ids)), []
        for word, weight in asked:
            where, share = self._share(n, word)
            np.add.at(scores, where, weight * share)
            touched.append(where)
        if dead is not None:
            scores[dead] = 0
        places = _highest(scores, touched, k)
        return part.ids[places], scores[places]

    def _share(self, n: int, at: int) -> tuple[np.ndarray, np.ndarray]:
        """-> the texts of part `n` with word `at`, and what the word adds to the score of each but for its weight. Kept for common words, which most
        questions have some of, until they fill KEPT numbers."""
        found = self._shares.get((n, at))
        if found is None:
            where, times = self._parts[n][0].posting(at)
            found = where.astype(np.intp), times * (K1 + 1) / (times + self._norms[n][where])
            if len(where) >= COMMON and self._kept + len(where) <= KEPT:
                self._shares[n, at] = found
                self._kept += len(where)
        return found


def _highest(scores: np.ndarray, touched: list[np.ndarray], k: int) -> np.ndarray:
    """-> the places of the k highest scores above 0 and of all that equal the last, ascending. touched: where scores may differ from 0."""
    if (
        sum(map(len, touched)) < len(scores) / 4
    ):  # each place is touched by every word at most once: k places are among the k * words highest
        where = np.concatenate(touched)
        values, many = scores[where], k * len(touched)
        if len(values) > many:
            where = where[values >= np.partition(values, -many)[-many]]
        places = np.unique(where)
        values = scores[places]
    else:
        places, values = slice(None), scores
    least = np.partition(values, -k)[-k] if len(values) > k else 0
    good = np.flatnonzero(values >= least if least > 0 else values > 0)
    return good if isinstance(places, slice) else places[good]
