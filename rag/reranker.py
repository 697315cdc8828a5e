"""The cross-encoder: scores two texts read together (Nogueira & Cho, arXiv 1901.04085), a question and a passage, or a claim and its evidence."""

from __future__ import annotations

from rag.chunking import Chunk
from rag.models import LocalModel


class Reranker:
    """A trained cross-encoder through sentence-transformers."""

    def __init__(self, model: LocalModel, device: str):
        from sentence_transformers import CrossEncoder

        self.name = model.name
        self._model = CrossEncoder(str(model.path), device=device, local_files_only=True)

    def scores(self, question: str, chunks: list[Chunk]) -> list[float]:
        """-> one relevance score a chunk; larger is better."""
        return self.score_pairs([(question, chunk.searched) for chunk in chunks])

    def score_pairs(self, pairs: list[tuple[str, str]]) -> list[float]:
        """-> one score a pair, from 0 to 1 for models with one output."""
        return [float(s) for s in self._model.predict(pairs, show_progress_bar=False)] if pairs else []
