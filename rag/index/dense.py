"""Dense search in FAISS: exact over the store's float16 vectors up to EXACT chunks, above that by inverted lists.

With inverted lists the best candidates are scored again exactly. Which chunks are found may then depend on what the
lists were trained on, and so on the history of the index; scores never do. FAISS is imported at the first search.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.index.array_file import load_arrays, save_arrays

if TYPE_CHECKING:
    import faiss

KIND = "dense-1"
EXACT = 200_000  # vectors up to which every one is compared: about 40 ns each on one core
PROBES = 256  # lists that are searched, of the 4 * sqrt(n) there are
MARGIN = 64  # candidates scored again beyond those asked for
BLOCK = 1 << 14  # vectors scored exactly at a time: 50 MB
CLOSE = 1e-5  # more than FAISS's float32 sums can be off


@dataclass(frozen=True)
class _Base:
    """The vectors of the search index file.

    ids: int64, ascending. vectors: float16 (n, dimension). lists: FAISS's serialized index of more than EXACT vectors.
    """

    ids: np.ndarray
    vectors: np.ndarray
    lists: np.ndarray | None

    @cached_property
    def index(self) -> faiss.Index:
        """FAISS's index over `vectors`, by position."""
        if self.lists is None:
            return _flat(self.vectors)
        import faiss

        return faiss.deserialize_index(self.lists)


class DenseIndex:
    """Inner products of unit vectors, by the chunks' ids.

    It is a base, as its file holds it, with what was added and removed since. A score is a float64 sum over the two
    vectors alone, so that it depends neither on where a vector is stored nor on its neighbours.
    """

    def __init__(self, base: _Base, added: dict[int, np.ndarray] | None = None, removed: np.ndarray | None = None):
        """added: the vectors added since, by chunk id. removed: ids of the base's vectors that are gone."""
        self._base = base
        self._added, self._removed = added or {}, np.zeros(0, np.int64) if removed is None else removed
        self._added_ids = np.fromiter(self._added, np.int64, len(self._added))
        none = np.zeros((0, base.vectors.shape[1]), np.float16)
        self._added_vectors = np.stack(list(self._added.values())) if self._added else none
        self._alive = ~np.isin(base.ids, self._removed, assume_unique=True) if len(self._removed) else None

    @classmethod
    def build(cls, ids: np.ndarray, vectors: np.ndarray) -> DenseIndex:
        """Index vectors, float16 or wider, one for each id; ids ascend."""
        vectors = np.ascontiguousarray(vectors, np.float16)
        return cls(_Base(ids, vectors, _inverted_lists(vectors) if len(ids) > EXACT else None))

    def save(self, path: Path, change: int) -> None:
        """Write the base, with the store's change number that it has seen. Raises OSError."""
        base = self._base
        lists = {} if base.lists is None else {"lists": base.lists}
        save_arrays(path, {"ids": base.ids, "vectors": base.vectors, **lists}, KIND, change)

    @classmethod
    def load(cls, path: Path) -> tuple[DenseIndex, int]:
        """Return a saved index and the change number that it has seen.

        Raises SearchFileError when the file is missing, damaged or of another version.
        """
        arrays, change = load_arrays(path, KIND)
        return cls(_Base(arrays["ids"], arrays["vectors"], arrays.get("lists"))), change

    def updated(self, ids: np.ndarray, vectors: np.ndarray, removed: np.ndarray) -> DenseIndex:
        """Return an index with these vectors added and those ids removed; this one stays as it is."""
        if not len(self._base.ids) and not self._added:
            return DenseIndex.build(ids, vectors)  # which may be the first to know the dimension
        gone = set(removed.tolist())
        added = {**self._added, **dict(zip(ids.tolist(), np.asarray(vectors, np.float16), strict=True))}
        left = {id: vector for id, vector in added.items() if id not in gone}
        gone_from_base = np.array(sorted(gone - added.keys()), np.int64)
        return DenseIndex(self._base, left, np.union1d(self._removed, gone_from_base))

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self._added) + (len(self._base.ids) if self._alive is None else int(self._alive.sum()))

    def search(self, vector: np.ndarray, k: int, only: np.ndarray | None = None) -> list[tuple[int, float]]:
        """Return ids and cosines of the k nearest chunks, nearest first, and of all that equal the last of them.

        vector: float32 (dimension,), of unit length. only: ids of the chunks that are searched, all if None.
        """
        if not len(self):
            return []
        base_ids, base_scores = self._nearest(vector, k) if only is None else self._scored(vector, only)
        added = slice(None) if only is None else np.isin(self._added_ids, only)
        ids = np.concatenate([base_ids, self._added_ids[added]])
        scores = np.concatenate([base_scores, _exact_scores(self._added_vectors[added], vector)])
        if len(ids) > k:
            best = scores >= np.partition(scores, -k)[-k]
            ids, scores = ids[best], scores[best]
        order = np.lexsort((ids, -scores))
        return list(zip(ids[order].tolist(), scores[order].tolist(), strict=True))

    def _nearest(self, vector: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Ask FAISS for more candidates until the last one is below all that may equal the k-th."""
        count = len(self._base.ids)
        width = k + MARGIN
        while True:
            width = min(width, count)
            found = self._candidates(vector, width)
            scores = _exact_scores(self._base.vectors[found], vector)
            if len(found) < width or width == count or scores.min() < np.partition(scores, -k)[-k] - CLOSE:
                return self._base.ids[found], scores
            width *= 4

    def _scored(self, vector: np.ndarray, only: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and exact scores of those chunks of the base."""
        chosen = np.isin(self._base.ids, only)
        positions = np.flatnonzero(chosen if self._alive is None else chosen & self._alive)
        blocks = [positions[at : at + BLOCK] for at in range(0, len(positions), BLOCK)]
        scores = [_exact_scores(self._base.vectors[block], vector) for block in blocks]
        return self._base.ids[positions], np.concatenate([np.zeros(0), *scores])

    def _candidates(self, vector: np.ndarray, width: int) -> np.ndarray:
        """Return positions in the base, ascending."""
        if not width:
            return np.zeros(0, np.int64)
        import faiss

        alive = None if self._alive is None else faiss.IDSelectorBitmap(np.packbits(self._alive, bitorder="little"))
        exact = self._base.lists is None
        options = faiss.SearchParameters(sel=alive) if exact else faiss.SearchParametersIVF(nprobe=PROBES, sel=alive)
        with _one_thread():
            query = np.ascontiguousarray(vector[None], np.float32)
            _, found = self._base.index.search(query, width, params=options)
        return np.sort(found[0][found[0] >= 0])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Search on one thread. One question is too short to wake another; torch's threads have the same setting."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _exact_scores(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return float64 inner products. NumPy adds up a row in an order that depends on its length alone."""
    return (vectors.astype(np.float64) * vector.astype(np.float64)).sum(1)


def _flat(vectors: np.ndarray) -> faiss.Index:
    """Return an index of all vectors, whose codes are the float16 numbers themselves."""
    import faiss

    dimension = max(1, vectors.shape[1])
    index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    if len(vectors):
        faiss.copy_array_to_vector(np.ascontiguousarray(vectors).reshape(-1).view(np.uint8), index.codes)
        index.ntotal = len(vectors)
    return index


def _inverted_lists(vectors: np.ndarray) -> np.ndarray:
    """Return the serialized index: 8-bit codes in 4 * sqrt(n) lists, k-means on 64 vectors a list with a fixed seed."""
    import faiss

    n, dimension = vectors.shape
    lists = int(4 * n**0.5)
    quantizer, code = faiss.IndexFlatIP(dimension), faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexIVFScalarQuantizer(quantizer, dimension, lists, code, faiss.METRIC_INNER_PRODUCT, False)
    chosen = np.sort(np.random.default_rng(0).choice(n, min(n, 64 * lists), replace=False))
    index.train(vectors[chosen].astype(np.float32))
    for at in range(0, n, 1 << 16):
        index.add(vectors[at : at + (1 << 16)].astype(np.float32))
    return faiss.serialize_index(index)
