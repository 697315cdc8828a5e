"""Dense search: exact inner product in FAISS, kept as a file stamped with the store's change number."""

from __future__ import annotations

import os
from pathlib import Path

import faiss
import numpy as np


class Dense:
    """A FAISS index over the store's vectors, in the store's order."""

    def __init__(self, index: faiss.Index):
        self._index = index

    @classmethod
    def open(cls, folder: Path, vectors: np.ndarray, change: int) -> Dense:
        """-> the saved index if it belongs to this change number and is whole, else a new one, saved for the next time."""
        path = folder / f"dense-{change}.faiss"
        if path.exists():
            try:
                index = faiss.read_index(str(path))
                if index.ntotal == len(vectors) and np.array_equal(index.reconstruct_n(0, index.ntotal), vectors):
                    return cls(index)
            except RuntimeError:
                pass  # a broken cache is made again below
        index = faiss.IndexFlatIP(max(1, vectors.shape[1]))
        if len(vectors):
            index.add(vectors)
        _save(index, path)
        return cls(index)

    def search(self, vector: np.ndarray, k: int) -> list[tuple[int, float]]:
        """-> (position, cosine) of the k nearest, best first."""
        if not self._index.ntotal:
            return []
        scores, found = self._index.search(vector[None], min(k, self._index.ntotal))
        return [(int(i), float(s)) for i, s in zip(found[0], scores[0], strict=True)]


def _save(index: faiss.Index, path: Path) -> None:
    """Written aside and renamed; a folder that can't be written only costs the time of making the index again."""
    aside = path.with_suffix(f".{os.getpid()}")
    try:
        faiss.write_index(index, str(aside))
        aside.rename(path)
        for old in path.parent.glob("dense-*.faiss"):
            if old != path:
                old.unlink(missing_ok=True)
    except (OSError, RuntimeError):
        aside.unlink(missing_ok=True)
