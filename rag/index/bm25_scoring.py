"""BM25 scores of the chunks that live now, computed from postings: the base's and those of what was added since."""

from __future__ import annotations

import math
from collections import Counter
from typing import Protocol

import numpy as np

from rag.index.inverted_index import InvertedIndex

K1, B, EPSILON = 1.5, 0.75, 0.25  # rank-bm25's
COMMON = 500  # texts that have a word, from which on its saturated term frequencies are cached
CACHED = 10_000_000  # pairs of numbers in that cache at most, 16 bytes each


class Scorer(Protocol):
    """Gives a question's best chunks."""

    def best(self, terms: Counter[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores, all above 0, of at least the k best chunks and of all that equal the k-th.

        terms: the question's words, counted.
        """
        ...


class LivingChunks:
    """What every score depends on: the number of chunks, their mean length, and how many of them have each word.

    Every sum is exact or in an order that the history of the index does not change.
    """

    def __init__(self, base: InvertedIndex, dead: np.ndarray | None, delta: InvertedIndex):
        """dead: mask over the base's chunks, True for those removed since. delta: the chunks added since."""
        self.parts: tuple[tuple[InvertedIndex, np.ndarray | None], ...] = ((base, dead), (delta, None))
        gone = dead if dead is not None else np.zeros(len(base.ids), bool)
        self.count = len(base.ids) - int(gone.sum()) + len(delta.ids)
        words = int(base.lengths.sum()) - int(base.lengths[gone].sum()) + int(delta.lengths.sum())
        self.mean_length = words / self.count if self.count else 0.0
        self._base_frequencies = base.frequencies(dead)
        self.least_idf = self._least_idf()

    def _least_idf(self) -> float:
        """Return what stands in for negative inverse document frequencies: a share of the mean over all words."""
        by_frequency = np.bincount(self._frequencies()).tolist()
        known = [(words, n) for n, words in enumerate(by_frequency) if n and words]
        total = math.fsum(words * self._raw_idf(n) for words, n in known)
        return EPSILON * total / sum(words for words, _ in known) if known else 0.0

    def _frequencies(self) -> np.ndarray:
        """Return for each word of base and delta how many chunks have it."""
        base, delta = self.parts[0][0], self.parts[1][0]
        joint, new = self._base_frequencies.astype(np.int64, copy=True), []
        for word, n in zip(delta.words(), delta.frequencies(None).tolist(), strict=True):
            number = base.find(word)
            if number is None:
                new.append(n)
            else:
                joint[number] += n
        return np.concatenate([joint, np.array(new, np.int64)])

    def _raw_idf(self, n: int) -> float:
        return math.log(self.count - n + 0.5) - math.log(n + 0.5)

    def idf(self, numbers: list[int | None]) -> float:
        """Return a word's inverse document frequency, given its number in base and delta (None: it is not there)."""
        base, delta = numbers
        n = int(self._base_frequencies[base]) if base is not None else 0
        n += self.parts[1][0].frequency(delta) if delta is not None else 0
        raw = self._raw_idf(n) if n else 0.0
        return raw if raw >= 0 else self.least_idf


class PostingsScorer:
    """Adds up the postings of the question's words; the cost grows with their lengths, not with all chunks."""

    def __init__(self, chunks: LivingChunks):
        self._chunks = chunks
        mean = chunks.mean_length or 1.0
        self._norms = [K1 * (1 - B + B * part.lengths / mean) for part, _ in chunks.parts]
        self._cache: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._cached = 0

    def best(self, terms: Counter[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and scores as `Scorer.best` does."""
        numbers = [[part.find(word) for part, _ in self._chunks.parts] for word in terms]
        weights = [self._chunks.idf(in_parts) for in_parts in numbers]
        found = []
        for p in range(len(self._chunks.parts)):
            columns = zip(numbers, weights, terms.values(), strict=True)
            words = [(number, idf, count) for in_parts, idf, count in columns if (number := in_parts[p]) is not None]
            found.append(self._best_of_part(p, words, k))
        return np.concatenate([ids for ids, _ in found]), np.concatenate([scores for _, scores in found])

    def _best_of_part(self, p: int, words: list[tuple[int, float, int]], k: int) -> tuple[np.ndarray, np.ndarray]:
        """words: number in the part, inverse document frequency, and count in the question, of each known word."""
        part, dead = self._chunks.parts[p]
        if not words:
            return np.zeros(0, np.int64), np.zeros(0)
        scores, touched = np.zeros(len(part.ids)), []
        for number, idf, count in words:
            positions, saturated = self._saturated(p, number)
            np.add.at(scores, positions, count * (idf * saturated))
            touched.append(positions)
        if dead is not None:
            scores[dead] = 0
        chosen = _highest(scores, touched, k)
        return part.ids[chosen], scores[chosen]

    def _saturated(self, p: int, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a word's texts in part `p`, and its saturated, length-normalized frequency in each.

        Most questions have some common words: what is computed for these is cached while there is room.
        """
        found = self._cache.get((p, number))
        if found is None:
            positions, counts = self._chunks.parts[p][0].posting(number)
            found = positions.astype(np.intp), counts * (K1 + 1) / (counts + self._norms[p][positions])
            if len(positions) >= COMMON and self._cached + len(positions) <= CACHED:
                self._cache[p, number] = found
                self._cached += len(positions)
        return found


def _highest(scores: np.ndarray, touched: list[np.ndarray], k: int) -> np.ndarray:
    """Return the positions of the k highest scores above 0 and of all that equal the last, ascending.

    touched: for each word of the question, the positions where it added to the score.
    """
    if sum(map(len, touched)) >= len(scores) / 4:
        return _best_positions(scores, k)
    # No word touches a position twice, so the k best positions are among the k * len(touched) highest entries.
    entries, most = np.concatenate(touched), k * len(touched)
    values = scores[entries]
    if len(values) > most:
        entries = entries[values >= np.partition(values, -most)[-most]]
    positions = np.unique(entries)
    return positions[_best_positions(scores[positions], k)]


def _best_positions(scores: np.ndarray, k: int) -> np.ndarray:
    least = np.partition(scores, -k)[-k] if len(scores) > k else 0
    return np.flatnonzero(scores >= least if least > 0 else scores > 0)
