"""Sentence embeddings (Sentence-BERT, Reimers & Gurevych 2019, arXiv 1908.10084)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from rag.models.device import computes_bfloat16
from rag.models.encoders import open_encoder, padded_length
from rag.models.resolve import LocalModel
from rag.models.weight_delta import check_delta, delta_name

TOKENS = 2048  # of a batch on a CPU: larger ones do not fit its cache, smaller ones leave cores idle
TOKENS_CUDA = 32768
# Tokens; batches are filled up to a multiple of it. Below, how matrix products round depends on the number of rows.
STEP = 512


class Embedder:
    """Makes normalized vectors of texts, so that the inner product is the cosine.

    A passage is padded to a length of its own, and computed beside others of that length only, in batches of at least
    STEP tokens. On the CPU that was measured its vector is then the same bits whatever it is embedded with; without
    this its cosine moved by up to 1.4e-5.
    """

    def __init__(self, model: LocalModel, device: str, bfloat16: bool | None = None, delta: Path | None = None):
        """Load the model.

        bfloat16: whether to compute in it; None: where the device does so without imitating it. delta: folder of a
        weight delta, which serves for questions and passages alike. Raises ModelError when that is another model's.
        """
        import torch

        self.digest, self.delta = model.digest, ""
        dtype = torch.bfloat16 if (computes_bfloat16(device) if bfloat16 is None else bfloat16) else torch.float32
        if delta:
            check_delta(delta, model)
            self.delta = delta_name(delta)
        self._encoder = open_encoder(model.path, device, dtype, delta)
        self._tokens = TOKENS_CUDA if device.startswith("cuda") else TOKENS

    def passages(self, texts: list[str], on_batch: Callable[[int], object] = lambda n: None) -> np.ndarray:
        """Return the vectors of passages: float32 (len(texts), dimension). Equal texts are computed once.

        on_batch: called with the number of texts of each batch that is done.
        """
        positions = {text: n for n, text in enumerate(dict.fromkeys(texts))}
        repeats = np.bincount([positions[text] for text in texts], minlength=len(positions))
        vectors = np.zeros((len(positions), self._encoder.dimension), np.float32)
        items = self._encoder.prepare([self.passage_prompt + text for text in positions])
        for batch, rows in batches_of_one_length([padded_length(len(item)) for item in items], self._tokens):
            vectors[batch] = _normalized(self._encoder.encode([items[i] for i in batch], rows))
            on_batch(int(repeats[batch].sum()))
        return vectors[[positions[text] for text in texts]] if texts else vectors

    def question(self, text: str) -> np.ndarray:
        """Return the vector of a question: float32 (dimension,)."""
        return _normalized(self._encoder.encode(self._encoder.prepare([self.query_prompt + text])))[0]

    @property
    def query_prompt(self) -> str:
        """What the model expects before a question."""
        return self._prompt("query", "question")

    @property
    def passage_prompt(self) -> str:
        """What the model expects before a passage."""
        return self._prompt("document", "passage", "corpus")

    def _prompt(self, *names: str) -> str:
        return next((self._encoder.prompts[name] for name in names if self._encoder.prompts.get(name)), "")


def batches_of_one_length(lengths: list[int], tokens: int) -> Iterator[tuple[list[int], int]]:
    """Group texts by their padded lengths into batches of about so many tokens.

    Yields the texts' positions and the number of rows to compute, the longest texts first, so that memory runs out at
    once or never.
    """
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
