"""Passages read once: the keys and values that the frozen base makes of a prompt's part before the question, kept for every later question,
epoch, preference pair and adapter (prompt cache, arXiv 2311.04934; adapters that wake up after it, arXiv 2504.12397)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm
from transformers import DynamicCache

from rag.generation.kv_cache import Key, Parts, PrefixCache
from rag.generation.preallocated_cache import SPARE_COLUMNS, preallocated_cache
from rag.generation.rope import key_rotation

BATCH, BATCH_CUDA = (
    256,
    1800,
)  # tokens read together: on a CPU a passage alone keeps all cores busy, and nothing is padded


@dataclass(frozen=True)
class Prefix:
    """Prefixes as a model has read them, left-padded: keys and values, and attention mask (rows, longest prefix)."""

    cache: DynamicCache
    mask: torch.Tensor

    @property
    def start(self) -> torch.Tensor:
        """The next position of each, (rows, 1)."""
        return self.mask.sum(1, keepdim=True)




class PrefixReader:
    """Reads prefixes with a frozen base, each part once as long as it is kept. identity: says what the keys and values depend on besides the tokens
    (model digest, precision, device). layers: the base without the output layer; forward: calls them, adapters off.

    A prefix of several parts is its first part, and each other part read after that one alone, as if the others were not there (block attention,
    arXiv 2409.15355), with its keys moved to where it stands: so a passage is read once wherever that is."""

    def __init__(
        self,
        layers: Any,
        forward: Callable[..., Any],
        identity: str,
        cache: PrefixCache,
        device: str,
        block_attention: bool = False,
    ):
        """block_attention: whether the callers cut prefixes into instructions and passages, or leave them whole."""
        self._forward, self._identity, self.cache, self._device = forward, identity, cache, device
        self.block_attention = block_attention
        self._move = key_rotation(layers)
        self.computed = 0  # parts read so far, for tests and timings

    @contextmanager
    def read(self, prefixes: list[Parts]) -> Iterator[Prefix]:
        """Inside, the prefixes are in use."""
        held: list[Key] = []
        try:
            kept = self._all(prefixes, held)
            yield self._padded([[kept[key] for key in _keys(parts)] for parts in prefixes])
        finally:
            for key in held:
                self.cache.release(key)

    def preload(self, prefixes: list[Parts]) -> None:
        """Read them now and keep those that fit for good, as training does, which comes back to each as often as to any other: replacing
        the oldest would then throw every one out before its turn. Always in the same batches: what one batch gives differs from another's in the last
        digit, which a resumed run would show."""
        self._all(prefixes, [], "reading passages once")
        lost = sum(
            (self._identity, parts) not in self.cache for parts in {key for parts in prefixes for key in _keys(parts)}
        )
        if lost:
            print(
                f"{lost} passages have no room and are read again at every use: --set prefix.memory_mb={2 * self.cache.budget // 10**6}, or prefix.disk_mb"
            )

    def _all(self, prefixes: list[Parts], held: list[Key], label: str = "") -> dict[Parts, torch.Tensor]:
        """-> the tensors of every part; with a label, which a bar then bears, of those alone that others are read after. held: gets what is in use now."""
        wanted = dict.fromkeys(key for parts in prefixes for key in _keys(parts))
        kept = {parts: found for parts in wanted if (found := self.cache.take((self._identity, parts))) is not None}
        held += [(self._identity, parts) for parts in kept]
        missing = sorted(
            (parts for parts in wanted if parts not in kept), key=lambda parts: (len(parts), parts[:-1], len(parts[-1]))
        )
        firsts = {parts[:1] for parts in wanted if len(parts) > 1}
        with tqdm(total=len(missing), desc=label, unit=" parts", disable=not label or not missing) as bar:
            for batch in _batches(missing, BATCH_CUDA if self._device.startswith("cuda") else BATCH):
                for parts, tensor in zip(batch, self._compute(batch, kept), strict=True):
                    key = (self._identity, parts)
                    self.cache.put(key, tensor)
                    held += [key] if key in self.cache else []
                    if not label or parts in firsts:
                        kept[parts] = tensor
                bar.update(len(batch))
        return kept

    @torch.no_grad()
    def _compute(self, batch: list[Parts], kept: dict[Parts, torch.Tensor]) -> list[torch.Tensor]:
        """-> of each last part a tensor (layers, 2, heads, tokens, size of a head): keys and values, after the first part, which is kept."""
        rows = [parts[-1] for parts in batch]
        width = max(map(len, rows))
        ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], device=self._device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=self._device)
        position, past = (mask.cumsum(1) - 1).clamp(min=0), None
        if len(batch[0]) > 1:
            first = self._padded([[kept[batch[0][:1]]]] * len(batch))
            past, mask, position = first.cache, torch.cat([first.mask, mask], 1), position + len(batch[0][0])
        with torch.autocast(torch.device(self._device).type, enabled=False):  # training reads what serving reads
            found = self._forward(
                input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=past, use_cache=True
            ).past_key_values
        self.computed += len(batch)
        pairs = [(layer.keys, layer.values) for layer in found.layers]
        return [
            torch.stack([torch.stack([part[n, :, part.shape[2] - len(row) :] for part in pair]) for pair in pairs])
            for n, row in enumerate(rows)
        ]

    def _padded(self, rows: list[list[torch.Tensor]]) -> Prefix:
        lengths = [sum(tensor.shape[3] for tensor in row) for row in rows]
        width, first = max(lengths), rows[0][0]
        whole = first.new_empty(
            first.shape[0], 2, len(rows), first.shape[2], width + SPARE_COLUMNS, first.shape[4], device=self._device
        )
        mask = torch.zeros(len(rows), width, dtype=torch.long, device=self._device)
        for n, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            at = width - length
            whole[:, :, n, :, :at], mask[n, at:] = 0, 1
            for place, tensor in enumerate(row):
                moved = (
                    at - (width - length) - row[0].shape[3] if place > 1 else 0
                )  # the first after the instructions stands where it was read
                end = at + tensor.shape[3]
                whole[:, 0, n, :, at:end] = self._move(tensor[:, 0], moved) if moved else tensor[:, 0]
                whole[:, 1, n, :, at:end] = tensor[:, 1]
                at = end
        return Prefix(preallocated_cache(whole, width), mask)


def _keys(parts: Parts) -> list[Parts]:
    """-> what is kept for a prefix: its first part, and each other one as it is after the first."""
    return [parts[:1], *((parts[0], part) for part in parts[1:])]


def _batches(missing: list[Parts], most: int) -> Iterator[list[Parts]]:
    """Of what follows the same first part, and of `most` tokens."""
    batch: list[Parts] = []
    for parts in missing:
        alike = batch and len(batch[0]) == len(parts) and (len(parts) == 1 or batch[0][0] == parts[0])
        if batch and (not alike or (len(batch) + 1) * len(parts[-1]) > most):
            yield batch
            batch = []
        batch.append(parts)
    if batch:
        yield batch
