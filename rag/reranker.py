"""The cross-encoder: scores question and passage read together (Nogueira & Cho, arXiv 1901.04085)."""

from __future__ import annotations

from rag.chunking import Chunk
from rag.models import LocalModel


class Reranker:
    """A trained cross-encoder through sentence-transformers."""

    def __init__(self, model: LocalModel, device: str):
        from sentence_transformers import CrossEncoder

        self._model = CrossEncoder(str(model.path), device=device, local_files_only=True)

    def scores(self, question: str, chunks: list[Chunk]) -> list[float]:
        """-> one relevance score a chunk; larger is better."""
        if not chunks:
            return []
        return [float(s) for s in self._model.predict([(question, chunk.searched) for chunk in chunks], show_progress_bar=False)]
