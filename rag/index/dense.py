"""Dense search in FAISS: exact over the float16 vectors of the record up to EXACT chunks, above that inverted lists with the best candidates scored again.

Above EXACT, which chunks are found may depend on what the lists were trained on, and so on history; scores never do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np

from rag.index.array_file import load_arrays, save_arrays

EXACT = 200_000  # vectors up to which every one is compared: about 40 ns each on one core
PROBES = 256  # lists that are searched of the 4 * sqrt(n) there are
MARGIN = 64  # candidates scored again beyond those asked for
CLOSE = 1e-5  # more than FAISS's float32 sums can be off


class DenseIndex:
    """Inner products of unit vectors, by chunk id. A base, as its file holds it, with what was added and removed since.

    A score is a float64 sum over the two vectors alone, so that it does not depend on where a vector lies or what lies beside it.
    """

    def __init__(
        self,
        ids: np.ndarray,
        vectors: np.ndarray,
        index: faiss.Index,
        added: dict[int, np.ndarray] | None = None,
        removed: np.ndarray | None = None,
    ):
        """ids: int64, ascending. vectors: float16 (n, dimension). index: over `vectors`, by position."""
        self._ids, self._vectors, self._index = ids, vectors, index
        self._added, self._removed = added or {}, np.zeros(0, np.int64) if removed is None else removed
        self._added_ids = np.fromiter(self._added, np.int64, len(self._added))
        self._added_vectors = (
            np.stack(list(self._added.values())) if self._added else np.zeros((0, vectors.shape[1]), np.float16)
        )
        self._alive = ~np.isin(ids, self._removed, assume_unique=True) if len(self._removed) else None

    @classmethod
    def build(cls, ids: np.ndarray, vectors: np.ndarray) -> DenseIndex:
        """-> an index of float16 (or wider) vectors, one an id; ids ascend."""
        vectors = np.ascontiguousarray(vectors, np.float16)
        return cls(ids, vectors, _inverted_lists(vectors) if len(ids) > EXACT else _flat(vectors))

    def save(self, path: Path, change: int) -> None:
        """Keep the base, with the change of the record that it has seen. Raises OSError."""
        arrays = {"ids": self._ids, "vectors": self._vectors}
        if len(self._ids) > EXACT:
            arrays["lists"] = faiss.serialize_index(self._index)
        save_arrays(path, arrays, {"kind": "dense-1", "change": change})

    @classmethod
    def load(cls, path: Path) -> tuple[DenseIndex, int]:
        """-> a saved index, and the change that it has seen. Raises DerivedError when the file is missing, damaged or of another version."""
        arrays, about = load_arrays(path, "dense-1")
        index = faiss.deserialize_index(arrays["lists"]) if "lists" in arrays else _flat(arrays["vectors"])
        return cls(arrays["ids"], arrays["vectors"], index), about["change"]

    def updated(self, ids: np.ndarray, vectors: np.ndarray, removed: np.ndarray) -> DenseIndex:
        """-> an index with these vectors added and those ids removed; this one stays as it is."""
        if not len(self._ids) and not self._added:
            return DenseIndex.build(ids, vectors)  # which may be the first to know the dimension
        gone = set(removed.tolist())
        added = {**self._added, **dict(zip(ids.tolist(), np.asarray(vectors, np.float16), strict=True))}
        left = {id: vector for id, vector in added.items() if id not in gone}
        return DenseIndex(
            self._ids,
            self._vectors,
            self._index,
            left,
            np.union1d(self._removed, np.array(sorted(gone - added.keys()), np.int64)),
        )

    def __len__(self) -> int:
        """Number of chunks."""
        return len(self._added) + (len(self._ids) if self._alive is None else int(self._alive.sum()))

    def search(self, vector: np.ndarray, k: int) -> list[tuple[int, float]]:
        """-> (id, cosine) of the k nearest, best first, and of all that equal the last of them. vector: float32 (dimension,), of unit length."""
        if not len(self):
            return []
        ids, scores = self._nearest(vector, k)
        delta = _exact_scores(self._added_vectors, vector)
        ids, scores = np.concatenate([ids, self._added_ids]), np.concatenate([scores, delta])
        if len(ids) > k:
            best = scores >= np.partition(scores, -k)[-k]
            ids, scores = ids[best], scores[best]
        order = np.lexsort((ids, -scores))
        return list(zip(ids[order].tolist(), scores[order].tolist(), strict=True))

    def _nearest(self, vector: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Asks FAISS for more until it has gone past all that may equal the k-th."""
        width = k + MARGIN
        while True:
            width = min(width, len(self._ids))
            found = self._candidates(vector, width)
            scores = _exact_scores(self._vectors[found], vector)
            if len(found) < width or width == len(self._ids) or scores.min() < np.partition(scores, -k)[-k] - CLOSE:
                return self._ids[found], scores
            width *= 4

    def _candidates(self, vector: np.ndarray, width: int) -> np.ndarray:
        if not width:
            return np.zeros(0, np.int64)
        alive = None if self._alive is None else faiss.IDSelectorBitmap(np.packbits(self._alive, bitorder="little"))
        parameters = (
            faiss.SearchParametersIVF(nprobe=PROBES, sel=alive)
            if len(self._ids) > EXACT
            else faiss.SearchParameters(sel=alive)
        )
        with _one_thread():
            _, found = self._index.search(np.ascontiguousarray(vector[None], np.float32), width, params=parameters)
        return np.sort(found[0][found[0] >= 0])


@contextmanager
def _one_thread() -> Iterator[None]:
    """One question's search is too short to be worth waking another thread, many times so beside a busy program. FAISS and torch share the number."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _exact_scores(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """-> float64 inner products. Each is the sum of one row, which NumPy adds in an order that depends on the row's length alone."""
    return (vectors.astype(np.float64) * vector.astype(np.float64)).sum(1)


def _flat(vectors: np.ndarray) -> faiss.Index:
    """The float16 vectors are the codes themselves."""
    index = faiss.IndexScalarQuantizer(
        max(1, vectors.shape[1]), faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    if len(vectors):
        faiss.copy_array_to_vector(np.ascontiguousarray(vectors).reshape(-1).view(np.uint8), index.codes)
        index.ntotal = len(vectors)
    return index


def _inverted_lists(vectors: np.ndarray) -> faiss.Index:
    """8-bit codes in 4 * sqrt(n) lists (k-means on 64 vectors a list, FAISS's fixed seed)."""
    n, dimension = vectors.shape
    lists = int(4 * n**0.5)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension), dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
    )
    chosen = np.sort(np.random.default_rng(0).choice(n, min(n, 64 * lists), replace=False))
    index.train(vectors[chosen].astype(np.float32))
    for at in range(0, n, 1 << 16):
        index.add(vectors[at : at + (1 << 16)].astype(np.float32))
    return index
