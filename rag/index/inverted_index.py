"""An inverted index in flat arrays: for each word, in which texts it stands and how often."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True)
class InvertedIndex:
    """ids: int64, ascending, one a text. lengths: int32, words of each text. letters, ends: the words, sorted by their UTF-8 bytes, one after the other,
    and where each ends. starts: where each word's postings begin in `places` (int32, positions among the ids, ascending) and `times`."""

    ids: np.ndarray
    lengths: np.ndarray
    letters: np.ndarray
    ends: np.ndarray
    starts: np.ndarray
    places: np.ndarray
    times: np.ndarray

    @classmethod
    def build(cls, texts: Iterable[tuple[int, Counter]]) -> InvertedIndex:
        """-> the index of (id, counted words); ids ascend."""
        numbers: dict[str, int] = {}
        ids, bounds, found, times = array("q"), array("q", [0]), array("i"), array("i")
        for id, counted in texts:
            ids.append(id)
            found.extend(numbers.setdefault(word, len(numbers)) for word in counted)
            times.extend(counted.values())
            bounds.append(len(found))
        return cls._sorted(numbers, *(np.array(a, a.typecode) for a in (ids, bounds, found, times)))

    @classmethod
    def _sorted(
        cls, numbers: dict[str, int], ids: np.ndarray, bounds: np.ndarray, found: np.ndarray, times: np.ndarray
    ) -> InvertedIndex:
        vocabulary = sorted((word.encode(), n) for word, n in numbers.items())
        rank = np.empty(len(numbers), np.int32)
        rank[[n for _, n in vocabulary]] = np.arange(len(numbers), dtype=np.int32)
        table = csr_array((times, rank[found] if len(found) else found, bounds), shape=(len(ids), len(numbers)))
        lengths = np.add.reduceat(np.append(times, 0), bounds[:-1]) * (np.diff(bounds) > 0) if len(ids) else times
        by_word = table.tocsc()
        return cls(
            ids,
            lengths.astype(np.int32),
            np.frombuffer(b"".join(word for word, _ in vocabulary), np.uint8),
            np.cumsum([len(word) for word, _ in vocabulary], dtype=np.int64),
            by_word.indptr.astype(np.int64),
            by_word.indices.astype(np.int32),
            by_word.data.astype(np.min_scalar_type(int(times.max()) if len(times) else 0)),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        return dict(vars(self))

    def words(self) -> list[str]:
        """-> all words, in order."""
        return [self._word(n).decode() for n in range(len(self.ends))]

    def _word(self, n: int) -> bytes:
        return self.letters[self.ends[n - 1] if n else 0 : self.ends[n]].tobytes()

    def find(self, word: str) -> int | None:
        """-> the word's number, by bisection."""
        wanted, low, high = word.encode("utf-8", "replace"), 0, len(self.ends)
        while low < high:
            middle = (low + high) // 2
            if self._word(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.ends) and self._word(low) == wanted else None

    def posting(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """-> in which texts word `n` stands, and how often."""
        first, last = self.starts[n], self.starts[n + 1]
        return self.places[first:last], self.times[first:last]

    def frequency(self, n: int) -> int:
        """-> in how many texts word `n` stands."""
        return int(self.starts[n + 1] - self.starts[n])

    def frequencies(self, dead: np.ndarray | None) -> np.ndarray:
        """-> in how many texts each word stands, without the `dead` ones (a mask over the texts)."""
        whole = np.diff(self.starts)
        if dead is None or not len(self.places):
            return whole
        return whole - np.add.reduceat(dead[self.places].astype(np.int64), self.starts[:-1])
