"""Passages read once: the keys and values that the frozen base makes of a prompt's part before the question, kept for every later question,
epoch, preference pair and adapter (prompt cache, arXiv 2311.04934; adapters that wake up after it, arXiv 2504.12397)."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

Ids = tuple[int, ...]


@dataclass(frozen=True)
class PrefixSettings:
    """memory_mb: most memory for kept keys and values, in MB of 10^6 bytes. SmolLM2-135M takes 23 kB a token in bfloat16, 10 MB for a usual prompt."""

    memory_mb: int = 2000


class PrefixCache:
    """Tensors of keys and values by (identity, token ids), within a budget of bytes. What has not been used for longest goes first, what is in use
    stays: when all is in use, a newcomer is handed out without being kept."""

    def __init__(self, budget: int):
        self.budget, self.size = budget, 0
        self._kept: OrderedDict[tuple[str, Ids], torch.Tensor] = OrderedDict()
        self._users: Counter[tuple[str, Ids]] = Counter()

    def __contains__(self, key: tuple[str, Ids]) -> bool:
        return key in self._kept

    def take(self, key: tuple[str, Ids]) -> torch.Tensor | None:
        """-> what is kept, now in use until `release`; None where nothing is."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        self._users[key] += 1
        return self._kept[key]

    def put(self, key: tuple[str, Ids], tensor: torch.Tensor) -> None:
        """Keep it, in use until `release`, if there is or can be made room."""
        wanted = tensor.nbytes
        idle = [k for k in self._kept if not self._users[k]]
        if key in self._kept or self.size - sum(self._kept[k].nbytes for k in idle) + wanted > self.budget:
            return
        for old in idle:
            if self.size + wanted <= self.budget:
                break
            self.size -= self._kept.pop(old).nbytes
        self._kept[key], self.size = tensor, self.size + wanted
        self._users[key] += 1

    def release(self, key: tuple[str, Ids]) -> None:
        """One user less."""
        self._users[key] -= self._users[key] > 0
        if not self._users[key]:
            del self._users[key]

    def clear(self) -> None:
        """Forget all that is not in use."""
        for key in [k for k in self._kept if not self._users[k]]:
            self.size -= self._kept.pop(key).nbytes


class PrefixReader:
    """Reads prefixes with a frozen base, each once as long as it is kept. identity: says what the keys and values depend on besides the tokens
    (model digest, precision, device). forward: the base's layers without the output layer, adapters off."""

    def __init__(self, forward: Callable[..., Any], identity: str, cache: PrefixCache, device: str):
        self._forward, self._identity, self.cache, self._device = forward, identity, cache, device
        self.computed = 0  # prefixes read so far, for tests and timings

    @contextmanager
    def read(self, prefixes: list[list[int]]) -> Iterator[tuple[DynamicCache, torch.Tensor]]:
        """-> a model cache of the prefixes, left-padded, and its attention mask (rows, longest prefix): inside, they are in use."""
        kept, held = self._all(prefixes)
        try:
            yield _padded([kept[tuple(ids)] for ids in prefixes])
        finally:
            for key in held:
                self.cache.release(key)

    def hold(self, prefixes: list[list[int]]) -> None:
        """Read them now and keep those that fit for good, as training does, which comes back to each as often as to any other: replacing
        the oldest would then throw every one out before its turn."""
        self._all(prefixes)

    def _all(self, prefixes: list[list[int]]) -> tuple[dict[Ids, torch.Tensor], list[tuple[str, Ids]]]:
        keys = {tuple(ids): (self._identity, tuple(ids)) for ids in prefixes}
        kept = {ids: found for ids, key in keys.items() if (found := self.cache.take(key)) is not None}
        held = [keys[ids] for ids in kept]
        missing = [ids for ids in keys if ids not in kept]
        for ids, tensor in zip(missing, self._compute(missing), strict=True):
            kept[ids] = tensor
            self.cache.put(keys[ids], tensor)
            held += [keys[ids]] if keys[ids] in self.cache else []
        return kept, held

    @torch.no_grad()
    def _compute(self, prefixes: list[Ids]) -> list[torch.Tensor]:
        """-> of each prefix a tensor (layers, 2, heads, tokens, size of a head): keys and values."""
        if not prefixes:
            return []
        width = max(map(len, prefixes))
        ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in prefixes], device=self._device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prefixes], device=self._device)
        position = (mask.cumsum(1) - 1).clamp(min=0)
        with torch.autocast(torch.device(self._device).type, enabled=False):  # training reads what serving reads
            found = self._forward(input_ids=ids, attention_mask=mask, position_ids=position, use_cache=True).past_key_values
        self.computed += len(prefixes)
        pairs = [(layer.keys, layer.values) for layer in found.layers]
        return [torch.stack([torch.stack([part[n, :, width - len(row) :] for part in pair]) for pair in pairs]) for n, row in enumerate(prefixes)]


def _padded(kept: list[torch.Tensor]) -> tuple[DynamicCache, torch.Tensor]:
    width = max(tensor.shape[3] for tensor in kept)
    first = kept[0]
    whole = first.new_empty(first.shape[0], 2, len(kept), first.shape[2], width, first.shape[4])
    mask = torch.zeros(len(kept), width, dtype=torch.long, device=first.device)
    for n, tensor in enumerate(kept):
        start = width - tensor.shape[3]
        whole[:, :, n, :, :start], whole[:, :, n, :, start:], mask[n, start:] = 0, tensor, 1
    cache = DynamicCache()
    for layer, (keys, values) in enumerate(whole):
        cache.update(keys, values, layer)
    return cache, mask
