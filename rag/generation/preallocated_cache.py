"""A model cache with spare room for new tokens: transformers' own copies all keys and values at every token."""

from __future__ import annotations

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer


class PreallocatedLayer(DynamicLayer):
    """The keys and values of one layer, each a tensor (rows, heads, capacity, head size) filled up to `length` tokens.

    With gradients enabled, or beyond the capacity, it grows by copying as transformers' layer does.
    """

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, length: int):
        super().__init__()
        self.lazy_initialization(keys, values)
        self._buffers = keys, values
        self.keys, self.values = keys[:, :, :length], values[:, :, :length]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **options: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the states of new tokens (rows, heads, new tokens, head size) and return all keys and values."""
        start, end = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
        if torch.is_grad_enabled() or end > self._buffers[0].shape[2]:
            return super().update(key_states, value_states)
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:end] = states
        self.keys, self.values = (buffer[:, :, :end] for buffer in self._buffers)
        return self.keys, self.values


def preallocated_cache(buffers: torch.Tensor, length: int) -> DynamicCache:
    """Return a cache over buffers (layers, 2, rows, heads, capacity, head size) filled up to `length` tokens."""
    cache = DynamicCache()
    cache.layers = [PreallocatedLayer(keys, values, length) for keys, values in buffers]
    return cache
