"""The cross-encoder: scores two texts read together (Nogueira & Cho, arXiv 1901.04085), a question and a passage, or a claim and its evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rag.chunking import Chunk
from rag.errors import ModelError
from rag.models import LocalModel, computes_bfloat16

SHIPPED = Path(__file__).parent / "weights" / "reranker"
CHANGES, IDENTITY = "changes.safetensors", "identity.json"
LENGTH = 192  # tokens of both texts together: a question, an answer and a chunk of 520 characters
BATCH = 32


class Reranker:
    """A trained cross-encoder through sentence-transformers, in bfloat16 where the device computes in it.

    threshold: the score from which on evidence counts as bearing a claim out."""

    def __init__(self, model: LocalModel, device: str, changes: Path | None = None):
        """changes: a folder with what training changed in `model`, in place of a whole trained model. Raises ModelError when they belong to another."""
        import torch
        from sentence_transformers import CrossEncoder

        options: dict[str, Any] = {"num_labels": 1} if changes else {}
        dtype = torch.bfloat16 if computes_bfloat16(device) else torch.float32
        self.name, self.digest = model.name, model.digest
        self._model = CrossEncoder(
            str(model.path), device=device, local_files_only=True, max_length=LENGTH, model_kwargs={"dtype": dtype}, **options
        )
        self.threshold = 0.5
        if changes:
            identity = json.loads((changes / IDENTITY).read_text(encoding="utf-8"))
            if identity["base"] != model.digest:
                raise ModelError(f"{changes} was trained on {identity['base'][:12]}, not {model.digest[:12]}: python -m finetune reranker FOLDERS")
            self.name, self.threshold = f"{model.name} + {changes.name}", identity["threshold"]
            apply_changes(self._model.model, changes)

    def scores(self, question: str, chunks: list[Chunk]) -> list[float]:
        """-> one relevance score a chunk; larger is better."""
        return self.score_pairs([(question, chunk.searched) for chunk in chunks])

    def score_pairs(self, pairs: list[tuple[str, str]]) -> list[float]:
        """-> one score a pair, from 0 to 1 for models with one output."""
        return [float(s) for s in self._model.predict(pairs, batch_size=BATCH, show_progress_bar=False)] if pairs else []


def claim_and_evidence(question: str, answer: str, chunk: Chunk, sentence: tuple[int, int]) -> tuple[str, str]:
    """-> what the cross-encoder reads to tell whether a sentence of the chunk, under its headings, bears an answer out."""
    return f"{question} {answer}", f"{' > '.join(chunk.headings or (chunk.title,))}\n{chunk.text[sentence[0] : sentence[1]]}"


def apply_changes(model: Any, changes: Path) -> None:
    """Add to each matrix the product of its two thin ones; what is small enough is stored whole."""
    import torch
    from safetensors.torch import load_file

    stored = load_file(changes / CHANGES)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in stored:
                parameter.copy_(stored[name])
            elif f"{name}:up" in stored:
                parameter += (stored[f"{name}:up"].float() @ stored[f"{name}:down"].float()).to(parameter.dtype)
