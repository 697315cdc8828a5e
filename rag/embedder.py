"""Sentence embeddings (Sentence-BERT, arXiv 1908.10084) through sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rag.models import LocalModel


class Embedder:
    """Text -> normalized vectors, so that the inner product is the cosine."""

    def __init__(self, model: LocalModel, device: str):
        from sentence_transformers import SentenceTransformer

        self.digest = model.digest
        self._model = SentenceTransformer(str(model.path), device=device, local_files_only=True)

    def passages(self, texts: list[str], on_batch: Callable[[int], None] = lambda n: None) -> np.ndarray:
        """-> float32 (len(texts), dimension). on_batch is called with the number of texts of each batch done."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors: list[np.ndarray | None] = [None] * len(texts)
        for i in range(0, len(order), 32):
            batch = order[i : i + 32]
            for index, vector in zip(batch, self._encode([texts[j] for j in batch]), strict=True):
                vectors[index] = vector
            on_batch(len(batch))
        return np.stack(vectors) if vectors else np.zeros((0, self._model.get_embedding_dimension()), np.float32)

    def question(self, text: str) -> np.ndarray:
        """-> float32 (dimension,)"""
        return self._encode([text])[0]

    def _encode(self, texts: list[str]) -> np.ndarray:
        return self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True).astype(np.float32)
