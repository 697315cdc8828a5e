"""An inverted index in flat arrays that can be mapped from a file: for each word, which texts have it and how often."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class InvertedIndex:
    """Postings of texts that have ids.

    ids: int64, ascending, one a text. lengths: int32, the number of words of each text. letters, ends: the UTF-8 bytes
    of all words, sorted, and where each word ends among them. starts: where each word's postings start in `positions`
    (int32, ascending positions among the ids) and `counts` (how often the word occurs there).
    """

    ids: np.ndarray
    lengths: np.ndarray
    letters: np.ndarray
    ends: np.ndarray
    starts: np.ndarray
    positions: np.ndarray
    counts: np.ndarray

    @classmethod
    def build(cls, texts: Iterable[tuple[int, Counter[str]]]) -> InvertedIndex:
        """Index texts, each given by its id and its counted words, in ascending order of their ids."""
        numbers: dict[str, int] = {}
        ids, bounds, found, counts = array("q"), array("q", [0]), array("i"), array("i")
        for id, counted in texts:
            ids.append(id)
            found.extend(numbers.setdefault(word, len(numbers)) for word in counted)
            counts.extend(counted.values())
            bounds.append(len(found))
        return cls._sorted(numbers, *(np.array(a, a.typecode) for a in (ids, bounds, found, counts)))

    @classmethod
    def _sorted(
        cls, numbers: dict[str, int], ids: np.ndarray, bounds: np.ndarray, found: np.ndarray, counts: np.ndarray
    ) -> InvertedIndex:
        vocabulary = sorted((word.encode(), n) for word, n in numbers.items())
        rank = np.empty(len(numbers), np.int32)
        rank[[n for _, n in vocabulary]] = np.arange(len(numbers), dtype=np.int32)
        words = rank[found] if len(found) else found
        by_word = np.argsort(words, kind="stable")
        positions = np.repeat(np.arange(len(ids), dtype=np.int32), np.diff(bounds))
        not_empty = np.diff(bounds) > 0  # reduceat gives an empty text the count of the next one
        lengths = np.add.reduceat(np.append(counts, 0), bounds[:-1]) * not_empty if len(ids) else counts
        return cls(
            ids,
            lengths.astype(np.int32),
            np.frombuffer(b"".join(word for word, _ in vocabulary), np.uint8),
            np.cumsum([len(word) for word, _ in vocabulary], dtype=np.int64),
            np.concatenate([[0], np.cumsum(np.bincount(words, minlength=len(numbers)))]).astype(np.int64),
            positions[by_word],
            counts[by_word].astype(np.min_scalar_type(int(counts.max()) if len(counts) else 0)),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the index as arrays by name, from which `InvertedIndex(**arrays)` makes it again."""
        return dict(vars(self))

    def words(self) -> list[str]:
        """Return all words, in the order of their numbers."""
        return [self._word(n).decode() for n in range(len(self.ends))]

    def _word(self, n: int) -> bytes:
        return self.letters[self.ends[n - 1] if n else 0 : self.ends[n]].tobytes()

    def find(self, word: str) -> int | None:
        """Return the word's number, None where no text has it."""
        wanted, low, high = word.encode("utf-8", "replace"), 0, len(self.ends)
        while low < high:
            middle = (low + high) // 2
            if self._word(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.ends) and self._word(low) == wanted else None

    def posting(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the texts that have word `n`, and how often it occurs in each."""
        first, last = self.starts[n], self.starts[n + 1]
        return self.positions[first:last], self.counts[first:last]

    def frequency(self, n: int) -> int:
        """Return how many texts have word `n`."""
        return int(self.starts[n + 1] - self.starts[n])

    def frequencies(self, dead: np.ndarray | None) -> np.ndarray:
        """Return for each word how many texts have it, not counting the `dead` ones (a mask over the texts)."""
        whole = np.diff(self.starts)
        if dead is None or not len(self.positions):
            return whole
        return whole - np.add.reduceat(dead[self.positions].astype(np.int64), self.starts[:-1])

    def texts(self, dead: np.ndarray | None) -> list[list[str]]:
        """Return the words of each text that is not `dead`, each as often as it occurs, sorted."""
        numbers = np.repeat(np.arange(len(self.ends)), np.diff(self.starts))
        by_text = np.argsort(np.repeat(self.positions, self.counts), kind="stable")
        words = np.array(self.words(), object)[np.repeat(numbers, self.counts)[by_text]].tolist()
        ends = np.cumsum(self.lengths).tolist()
        alive = range(len(self.ids)) if dead is None else np.flatnonzero(~dead).tolist()
        return [words[ends[n - 1] if n else 0 : ends[n]] for n in alive]
