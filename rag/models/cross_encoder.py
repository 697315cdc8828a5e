"""The cross-encoder (Nogueira & Cho 2019, arXiv 1901.04085): scores two texts that it reads together.

These are a question and a passage, or a claim and its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.chunk import Chunk
from rag.models.device import computes_bfloat16
from rag.models.pair_batches import MAX_TOKENS, batch_size, batches, tokenize_pairs
from rag.models.resolve import LocalModel
from rag.models.weight_delta import apply_delta, check_delta

if TYPE_CHECKING:
    import torch

SHIPPED = Path(__file__).parents[1] / "weights" / "reranker"

TextPair = tuple[str, str]


class CrossEncoder:
    """A trained cross-encoder, in bfloat16 where the device computes in it.

    threshold: the score from which evidence counts as support of a claim.
    """

    def __init__(self, model: LocalModel, device: str, delta: Path | None = None):
        """Load a whole cross-encoder, or an encoder with a weight delta that makes a cross-encoder of it.

        Raises ModelError when the weight delta belongs to another model.
        """
        import torch

        dtype = torch.bfloat16 if computes_bfloat16(device) else torch.float32
        self.name, self.threshold = model.name, 0.5
        if delta is None:
            self._predict = _library_model(model.path, device, dtype)
            return
        identity = check_delta(delta, model)
        self.name, self.threshold = f"{model.name} + {delta.name}", identity["threshold"]
        self._predict = _DeltaModel(model.path, device, dtype, delta).predict

    def scores(self, question: str, chunks: list[Chunk]) -> list[float]:
        """Return the relevance of each chunk to the question; larger is better."""
        return self.score_pairs([(question, chunk.search_text) for chunk in chunks])

    def score_pairs(self, pairs: list[TextPair]) -> list[float]:
        """Return a score for each pair of texts, from 0 to 1 for models with one output."""
        return [float(score) for score in self._predict(pairs)] if pairs else []


class _DeltaModel:
    """An encoder with one output and a weight delta, by transformers alone (rag/models/encoders.py says why)."""

    def __init__(self, folder: Path, device: str, dtype: torch.dtype, delta: Path):
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._tokenizer, self._device = AutoTokenizer.from_pretrained(folder, local_files_only=True), device
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=1, dtype=dtype, local_files_only=True
        )
        apply_delta(model, delta)
        self._model = model.to(device).eval()

    def predict(self, pairs: list[TextPair]) -> list[float]:
        """Score the pairs. Those of about one length share a batch, so that little is computed for padding."""
        import torch

        first, second = [a.strip() for a, _ in pairs], [b.strip() for _, b in pairs]
        scores = torch.zeros(len(pairs))
        for positions, inputs in batches(self._tokenizer, tokenize_pairs(self._tokenizer, first, second), self._device):
            with torch.inference_mode():
                scores[positions] = self._model(**inputs).logits[:, 0].float().sigmoid().cpu()
        return scores.tolist()


def _library_model(folder: Path, device: str, dtype: torch.dtype) -> Callable[[list[TextPair]], Iterable[float]]:
    from sentence_transformers import CrossEncoder as LibraryCrossEncoder

    model = LibraryCrossEncoder(
        str(folder), device=device, local_files_only=True, max_length=MAX_TOKENS, model_kwargs={"dtype": dtype}
    )

    def predict(pairs: list[TextPair]) -> Iterable[float]:
        scores: Iterable[float] = model.predict(pairs, batch_size=batch_size(device), show_progress_bar=False)
        return scores

    return predict


def claim_and_evidence(question: str, answer: str, chunk: Chunk, sentence: tuple[int, int]) -> TextPair:
    """Return the pair that the cross-encoder scores as support of an answer by a sentence of the chunk.

    sentence: its span in the chunk's text, which is put under the chunk's headings.
    """
    return f"{question} {answer}", f"{chunk.heading_path}\n{chunk.text[sentence[0] : sentence[1]]}"
