"""The cross-encoder: scores two texts read together (Nogueira & Cho, arXiv 1901.04085), a question and a passage, or a claim and its evidence."""

from __future__ import annotations

import json
from pathlib import Path

from rag.chunking import Chunk
from rag.models import LocalModel

SHIPPED = Path(__file__).parent / "weights" / "cross-encoder"
LONGEST = 256  # tokens of a pair that the shipped one reads: a chunk and a question have about 180


class Reranker:
    """A trained cross-encoder through sentence-transformers. adapter: LoRA weights on top of `model`, which then needs no head of its own."""

    def __init__(self, model: LocalModel, device: str, adapter: Path | None = None):
        from sentence_transformers import CrossEncoder

        self.name = adapter.name if adapter else model.name
        own = {"num_labels": 1, "max_length": LONGEST} if adapter else {}
        self._model = CrossEncoder(str(model.path), device=device, local_files_only=True, **own)
        if adapter:
            self._model.load_adapter(str(adapter))

    def scores(self, question: str, chunks: list[Chunk]) -> list[float]:
        """-> one relevance score a chunk; larger is better."""
        return self.score_pairs([(question, chunk.searched) for chunk in chunks])

    def score_pairs(self, pairs: list[tuple[str, str]]) -> list[float]:
        """-> one score a pair, from 0 to 1 for models with one output."""
        return [float(s) for s in self._model.predict(pairs, batch_size=32, show_progress_bar=False)] if pairs else []


def shipped_reranker(embedder: LocalModel, device: str) -> Reranker | None:
    """-> the cross-encoder that ships, where `embedder` is the model that it was trained on; None elsewhere."""
    made = SHIPPED / "identity.json"
    fits = made.exists() and json.loads(made.read_text(encoding="utf-8"))["base"] == embedder.digest
    return Reranker(embedder, device, SHIPPED) if fits else None
