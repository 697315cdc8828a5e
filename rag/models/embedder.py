"""Sentence embeddings (Sentence-BERT, arXiv 1908.10084): texts in, normalized vectors out, in bfloat16 where the device computes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from rag.models.device import computes_bfloat16
from rag.models.encoders import open_encoder, padded_length
from rag.models.resolve import LocalModel
from rag.models.weight_delta import check_delta, delta_name

TOKENS = 2048  # of a batch on a CPU: larger ones leave its cache, smaller ones leave it waiting
TOKENS_CUDA = 32768
STEP = 512  # batches are filled up to a multiple of it: below that, matrix products round otherwise for another number of rows


class Embedder:
    """Text -> normalized vectors, so that the inner product is the cosine.

    A passage is padded to a length of its own, and computed beside others of that length only, in batches of at least STEP tokens. On the CPU that was
    measured its vector is then the same bits whatever it is embedded with; without this its cosine moved by up to 1.4e-5.
    """

    def __init__(self, model: LocalModel, device: str, bfloat16: bool | None = None, delta: Path | None = None):
        """bfloat16: None means where the device computes in it; others imitate it at a fraction of their float32 speed. changes: a folder with what training
        changed in the model, for questions and passages alike. Raises ModelError when they belong to another model."""
        import torch

        self.digest, self.delta = model.digest, ""
        dtype = torch.bfloat16 if (computes_bfloat16(device) if bfloat16 is None else bfloat16) else torch.float32
        if delta:
            check_delta(delta, model)
            self.delta = delta_name(delta)
        self._encoder = open_encoder(model.path, device, dtype, delta)
        self._tokens = TOKENS_CUDA if device.startswith("cuda") else TOKENS

    def passages(self, texts: list[str], on_batch: Callable[[int], None] = lambda n: None) -> np.ndarray:
        """-> float32 (len(texts), dimension). on_batch is called with the number of texts of each batch done; equal texts are computed once."""
        place = {text: n for n, text in enumerate(dict.fromkeys(texts))}
        shares = np.bincount([place[text] for text in texts], minlength=len(place))
        vectors = np.zeros((len(place), self._encoder.dimension), np.float32)
        items = self._encoder.prepare([self.shows + text for text in place])
        for batch, rows in _batches([padded_length(len(item)) for item in items], self._tokens):
            vectors[batch] = _normalized(self._encoder.encode([items[i] for i in batch], rows))
            on_batch(int(shares[batch].sum()))
        return vectors[[place[text] for text in texts]] if texts else vectors

    def question(self, text: str) -> np.ndarray:
        """-> float32 (dimension,)"""
        return _normalized(self._encoder.encode(self._encoder.prepare([self.asks + text])))[0]

    @property
    def asks(self) -> str:
        """What the model wants before a question."""
        return self._prompt("query", "question")

    @property
    def shows(self) -> str:
        """What the model wants before a passage."""
        return self._prompt("document", "passage", "corpus")

    def _prompt(self, *names: str) -> str:
        return next((self._encoder.prompts[name] for name in names if self._encoder.prompts.get(name)), "")


def _batches(lengths: list[int], tokens: int) -> Iterator[tuple[list[int], int]]:
    """-> (places of texts of one length, rows to compute), longest first, so that memory runs out at once or never."""
    groups: dict[int, list[int]] = {}
    for i, length in enumerate(lengths):
        groups.setdefault(max(1, length), []).append(i)
    for length, group in sorted(groups.items(), reverse=True):
        step = max(1, -(-STEP // length))
        size = max(1, tokens // length // step) * step
        for at in range(0, len(group), size):
            batch = group[at : at + size]
            yield batch, -(-len(batch) // step) * step


def _normalized(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
