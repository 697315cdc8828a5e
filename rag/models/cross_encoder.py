"""The cross-encoder: scores two texts read together (Nogueira & Cho, arXiv 1901.04085), a question and a passage, or a claim and its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rag.core.chunk import Chunk
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel
from rag.models.weight_delta import apply_delta, check_delta

SHIPPED = Path(__file__).parents[1] / "weights" / "reranker"
LENGTH = 192  # tokens of both texts together: a question, an answer and a chunk of 520 characters
BATCH, BATCH_CUDA = (
    8,
    128,
)  # pairs: on a CPU batches of 2 to 10 of about one length cost a tenth to a quarter less than one of 20


class Reranker:
    """A trained cross-encoder, in bfloat16 where the device computes in it.

    threshold: the score from which on evidence counts as bearing a claim out."""

    def __init__(self, model: LocalModel, device: str, delta: Path | None = None):
        """changes: a folder with what training changed in `model`, in place of a whole trained model. Raises ModelError when they belong to another."""
        import torch

        dtype = torch.bfloat16 if computes_bfloat16(device) else torch.float32
        self.name, self.threshold = model.name, 0.5
        if delta is None:
            self._predict = _library_model(model.path, device, dtype)
            return
        identity = check_delta(delta, model)
        self.name, self.threshold = f"{model.name} + {delta.name}", identity["threshold"]
        self._predict = _ChangedModel(model.path, device, dtype, delta).predict

    def scores(self, question: str, chunks: list[Chunk]) -> list[float]:
        """-> one relevance score a chunk; larger is better."""
        return self.score_pairs([(question, chunk.search_text) for chunk in chunks])

    def score_pairs(self, pairs: list[tuple[str, str]]) -> list[float]:
        """-> one score a pair, from 0 to 1 for models with one output."""
        return [float(score) for score in self._predict(pairs)] if pairs else []


class _ChangedModel:
    """An encoder with one output and our changes, by transformers alone: importing sentence_transformers costs a cold question 3 to 5 s (rag/models/encoders.py)."""

    def __init__(self, folder: Path, device: str, dtype: Any, delta: Path):
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        self._tokenizer, self._device = AutoTokenizer.from_pretrained(folder, local_files_only=True), device
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=1, dtype=dtype, local_files_only=True
        )
        apply_delta(model, delta)
        self._model = model.to(device).eval()

    def predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        """Pairs of about one length share a batch, so that little is computed for padding."""
        import torch

        claims, texts = [a.strip() for a, _ in pairs], [b.strip() for _, b in pairs]
        items = self._tokenizer(claims, texts, truncation="longest_first", max_length=LENGTH)
        order = sorted(range(len(pairs)), key=lambda n: -len(items["input_ids"][n]))
        scores, size = torch.zeros(len(pairs)), _batch(self._device)
        for at in range(0, len(order), size):
            batch = order[at : at + size]
            inputs = self._tokenizer.pad(
                {name: [values[n] for n in batch] for name, values in items.items()}, return_tensors="pt"
            )
            with torch.inference_mode():
                scores[batch] = self._model(**inputs.to(self._device)).logits[:, 0].float().sigmoid().cpu()
        return scores.tolist()


def _library_model(folder: Path, device: str, dtype: Any) -> Callable[[list[tuple[str, str]]], Iterable[float]]:
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(
        str(folder), device=device, local_files_only=True, max_length=LENGTH, model_kwargs={"dtype": dtype}
    )
    return lambda pairs: model.predict(pairs, batch_size=_batch(device), show_progress_bar=False)


def _batch(device: str) -> int:
    return BATCH_CUDA if device.startswith("cuda") else BATCH


def claim_and_evidence(question: str, answer: str, chunk: Chunk, sentence: tuple[int, int]) -> tuple[str, str]:
    """-> what the cross-encoder reads to tell whether a sentence of the chunk, under its headings, bears an answer out."""
    return (
        f"{question} {answer}",
        f"{' > '.join(chunk.headings or (chunk.title,))}\n{chunk.text[sentence[0] : sentence[1]]}",
    )
