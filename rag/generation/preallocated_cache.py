"""A cache of keys and values with room for what follows: transformers' own copies everything at every token."""

from __future__ import annotations

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

SPARE_COLUMNS = 128  # tokens that a usual question and answer take


class PreallocatedLayer(DynamicLayer):
    """One layer: the first `length` tokens of keys and values (rows, heads, capacity, size of a head), the rest of which is room. Where gradients are
    wanted, or the room is used up, it grows as transformers' layer does."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, length: int):
        super().__init__()
        self.lazy_initialization(keys, values)
        self._room = keys, values
        self.keys, self.values = keys[:, :, :length], values[:, :, :length]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **options: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        start, end = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
        if torch.is_grad_enabled() or end > self._room[0].shape[2]:
            return super().update(key_states, value_states)
        for room, states in zip(self._room, (key_states, value_states), strict=True):
            room[:, :, start:end] = states
        self.keys, self.values = (room[:, :, :end] for room in self._room)
        return self.keys, self.values


def preallocated_cache(whole: torch.Tensor, length: int) -> DynamicCache:
    """-> a model cache over (layers, 2, rows, heads, capacity, size of a head) of which `length` tokens are filled."""
    cache = DynamicCache()
    cache.layers = [PreallocatedLayer(keys, values, length) for keys, values in whole]
    return cache
