"""Base models in memory, each once for all generators that answer with it, whatever their adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from rag.core.sections import PrefixSettings
from rag.generation.kv_cache import make_prefix_cache
from rag.models.causal_lm import load_base
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    Loaded = tuple[PreTrainedTokenizerBase, PreTrainedModel]


class BaseModels:
    """Loads each base model once, and has one cache of what these models have read."""

    def __init__(self, prefix: PrefixSettings):
        """prefix: budgets of the prefix cache."""
        self.cache = make_prefix_cache(prefix)
        self._loaded: dict[tuple[str, str, str], Loaded] = {}

    def load(self, model: LocalModel, device: str, precision: str) -> Loaded:
        """Return tokenizer and model, of those in memory if they are there. Raises ModelError as `load_base` does."""
        key = model.digest, device, precision
        if key not in self._loaded:
            tokenizer, base = load_base(model, device, precision)
            base.get_output_embeddings().register_forward_pre_hook(_contiguous)
            self._loaded[key] = tokenizer, base
        return self._loaded[key]


def _contiguous(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Copy the hidden states before the output layer.

    The last positions of a batch are a strided view, for which torch would copy the vocabulary's matrix once a row.
    `contiguous()` would not copy a single row.
    """
    return (inputs[0].clone(memory_format=torch.contiguous_format),)
