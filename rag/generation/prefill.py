"""The prefix cache: the frozen base encodes a prompt's passages once, for every later question, epoch and adapter.

Prompt caches: Gim et al. 2023, arXiv 2311.04934. Adapters that become active after the prefix: Greenewald et al. 2025,
arXiv 2504.12397.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from rag.generation.kv_cache import Key, Parts, PrefixCache
from rag.generation.rope import key_rotation

if TYPE_CHECKING:
    from transformers import DynamicCache, PreTrainedModel
    from transformers.modeling_outputs import BaseModelOutputWithPast

BATCH_TOKENS = 256  # encoded together on a CPU: one passage alone keeps all cores busy, and nothing is padded
BATCH_TOKENS_CUDA = 1800
SPARE_TOKENS = 128  # of room behind the prefix, for a usual question and answer


@dataclass(frozen=True)
class Prefix:
    """Encoded prefixes, left-padded to the longest. mask: attention mask (rows, longest prefix)."""

    cache: DynamicCache
    mask: torch.Tensor

    @property
    def start(self) -> torch.Tensor:
        """The position of the first token after each prefix, (rows, 1)."""
        return self.mask.sum(1, keepdim=True)


class PrefixReader:
    """Encodes prefixes with a frozen base, and keeps the keys and values of each part in a cache.

    A prefix of several parts is its first part, the instructions, and passages that attend to the instructions and
    themselves alone (block attention: Ma et al. 2024, arXiv 2409.15355). Their keys are moved to where each passage
    stands, so that a passage is encoded once for all prompts.
    """

    def __init__(
        self,
        layers: PreTrainedModel,
        forward: Callable[..., BaseModelOutputWithPast],
        identity: str,
        cache: PrefixCache,
        device: str,
        block_attention: bool = False,
    ):
        """layers: the base without its output layer. forward: calls them with the adapter off.

        identity: what keys and values depend on besides the tokens: model digest, precision, device.
        block_attention: whether the callers cut prefixes into instructions and passages, or leave them whole.
        """
        self._forward, self._identity, self.cache, self._device = forward, identity, cache, device
        self.block_attention = block_attention
        self._rotate = key_rotation(layers)
        self.computed = 0  # parts encoded so far, for tests and timings

    @contextmanager
    def read(self, prefixes: list[Parts]) -> Iterator[Prefix]:
        """Return the encoded prefixes, one row each. Inside, their parts stay in the cache."""
        in_use: list[Key] = []
        try:
            tensors = self._load(prefixes, in_use)
            yield self._join([[tensors[key] for key in _cached_parts(parts)] for parts in prefixes])
        finally:
            for key in in_use:
                self.cache.release(key)

    def preload(self, prefixes: list[Parts]) -> None:
        """Encode the prefixes for training and keep those that fit for good.

        Training comes back to all of them equally often, so that dropping the oldest would drop each one before its
        next use. Batches are always the same, because their rounding would show when a run is resumed.
        """
        self._load(prefixes, [], "encoding passages once")
        parts = {key for prefix in prefixes for key in _cached_parts(prefix)}
        missing = sum((self._identity, key) not in self.cache for key in parts)
        if missing:
            twice = 2 * self.cache.memory_budget // 10**6
            remedy = f"--set prefix.memory_mb={twice}, or prefix.disk_mb"
            print(f"{missing} passages have no room in the cache and are encoded again at every use: {remedy}")

    def _load(self, prefixes: list[Parts], in_use: list[Key], label: str = "") -> dict[Parts, torch.Tensor]:
        """Return the tensors of all parts, and add to `in_use` those that are now in use in the cache.

        With a label it shows a progress bar, and returns only what other parts are encoded after.
        """
        wanted = dict.fromkeys(key for parts in prefixes for key in _cached_parts(parts))
        tensors = {key: tensor for key in wanted if (tensor := self.cache.take((self._identity, key))) is not None}
        in_use += [(self._identity, key) for key in tensors]
        missing = sorted((key for key in wanted if key not in tensors), key=lambda k: (len(k), k[:-1], len(k[-1])))
        firsts = {key[:1] for key in wanted if len(key) > 1}
        limit = BATCH_TOKENS_CUDA if self._device.startswith("cuda") else BATCH_TOKENS
        with tqdm(total=len(missing), desc=label, unit=" parts", disable=not label or not missing) as bar:
            for batch in _batches(missing, limit):
                for parts, tensor in zip(batch, self._encode(batch, tensors), strict=True):
                    key = (self._identity, parts)
                    self.cache.put(key, tensor)
                    in_use += [key] if key in self.cache else []
                    if not label or parts in firsts:
                        tensors[parts] = tensor
                bar.update(len(batch))
        return tensors

    @torch.no_grad()
    def _encode(self, batch: list[Parts], tensors: dict[Parts, torch.Tensor]) -> list[torch.Tensor]:
        """Return the keys and values of each last part: (layers, 2, heads, tokens, head size)."""
        rows = [parts[-1] for parts in batch]
        ids, mask = left_padded(rows, self._device)
        position, past = (mask.cumsum(1) - 1).clamp(min=0), None
        if len(batch[0]) > 1:
            first = self._join([[tensors[batch[0][:1]]]] * len(batch))
            past, mask, position = first.cache, torch.cat([first.mask, mask], 1), position + len(batch[0][0])
        with torch.autocast(torch.device(self._device).type, enabled=False):  # training must encode as serving does
            output = self._forward(
                input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=past, use_cache=True
            )
        self.computed += len(batch)
        pairs = [(layer.keys, layer.values) for layer in output.past_key_values.layers]
        return [
            torch.stack([torch.stack([part[n, :, part.shape[2] - len(row) :] for part in pair]) for pair in pairs])
            for n, row in enumerate(rows)
        ]

    def _join(self, rows: list[list[torch.Tensor]]) -> Prefix:
        """Put the parts of each prefix side by side, padded on the left."""
        from rag.generation.preallocated_cache import preallocated_cache

        lengths = [sum(tensor.shape[3] for tensor in row) for row in rows]
        width, (layers, _, heads, _, head_size) = max(lengths), rows[0][0].shape
        buffers = rows[0][0].new_empty(
            layers, 2, len(rows), heads, width + SPARE_TOKENS, head_size, device=self._device
        )
        mask = torch.zeros(len(rows), width, dtype=torch.long, device=self._device)
        for n, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            at = first_token = width - length
            buffers[:, :, n, :, :at], mask[n, at:] = 0, 1
            encoded_at = first_token + row[0].shape[3]  # passages were encoded right after the instructions
            for tensor in row:
                end, moved = at + tensor.shape[3], max(0, at - encoded_at)
                buffers[:, 0, n, :, at:end] = self._rotate(tensor[:, 0], moved) if moved else tensor[:, 0]
                buffers[:, 1, n, :, at:end] = tensor[:, 1]
                at = end
        return Prefix(preallocated_cache(buffers, width), mask)


def left_padded(rows: Sequence[Sequence[int]], device: str | torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids, padded with 0 on the left to the longest row, and their attention mask; both (rows, tokens)."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def _cached_parts(parts: Parts) -> list[Parts]:
    """Return what is cached for a prefix: its first part, and each other part as encoded after the first."""
    return [parts[:1], *((parts[0], part) for part in parts[1:])]


def _batches(missing: list[Parts], limit: int) -> Iterator[list[Parts]]:
    """Group parts that are encoded after the same first part, up to `limit` tokens a batch, padding included."""
    batch: list[Parts] = []
    for parts in missing:
        alike = batch and len(batch[0]) == len(parts) and (len(parts) == 1 or batch[0][0] == parts[0])
        if batch and (not alike or (len(batch) + 1) * len(parts[-1]) > limit):
            yield batch
            batch = []
        batch.append(parts)
    if batch:
        yield batch
