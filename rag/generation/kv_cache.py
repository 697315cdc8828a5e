"""A cache of the keys and values of prompt prefixes, within budgets of memory and disk."""

from __future__ import annotations

import tempfile
from collections import Counter, OrderedDict
from pathlib import Path

import torch

from rag.core.sections import PrefixSettings

Parts = tuple[tuple[int, ...], ...]  # the token ids of each part of a prefix
Key = tuple[str, Parts]  # what the numbers depend on besides the tokens (model, precision, device), and the tokens
FOLDER = Path("var/prefixes")


class PrefixCache:
    """Keeps tensors by key, the most recently used ones first.

    Entries in use are never dropped. When all of the memory is in use, a new entry goes to a file, or is not kept.
    """

    def __init__(self, memory_budget: int, disk_budget: int = 0):
        """Both budgets are in bytes."""
        self.memory_budget, self.memory_used = memory_budget, 0
        self.disk_budget, self.disk_used = disk_budget, 0
        self._entries: OrderedDict[Key, torch.Tensor] = OrderedDict()  # least recently used first
        self._in_file: set[Key] = set()
        self._users: Counter[Key] = Counter()

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def take(self, key: Key) -> torch.Tensor | None:
        """Return the entry and mark it as in use until `release`; None if there is none."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        self._users[key] += 1
        return self._entries[key]

    def put(self, key: Key, tensor: torch.Tensor) -> None:
        """Keep the tensor if it fits, and mark it as in use until `release`."""
        if key in self._entries:
            return
        if self._make_room(tensor.nbytes):
            self.memory_used += tensor.nbytes
        elif self.disk_used + tensor.nbytes <= self.disk_budget:
            tensor = _moved_to_file(tensor)
            self._in_file.add(key)
            self.disk_used += tensor.nbytes
        else:
            return
        self._entries[key] = tensor
        self._users[key] += 1

    def release(self, key: Key) -> None:
        """End one use of the entry."""
        self._users[key] -= self._users[key] > 0
        if not self._users[key]:
            del self._users[key]

    def clear(self) -> None:
        """Drop all entries that are not in use."""
        for key in [key for key in self._entries if not self._users[key]]:
            self._drop(key)

    def _make_room(self, needed: int) -> bool:
        """Drop idle entries from memory until `needed` bytes are free; none if that cannot be reached."""
        idle = [key for key in self._entries if not self._users[key] and key not in self._in_file]
        if self.memory_used - sum(self._entries[key].nbytes for key in idle) + needed > self.memory_budget:
            return False
        for key in idle:
            if self.memory_used + needed <= self.memory_budget:
                break
            self._drop(key)
        return True

    def _drop(self, key: Key) -> None:
        freed = self._entries.pop(key).nbytes
        if key in self._in_file:
            self._in_file.remove(key)
            self.disk_used -= freed
        else:
            self.memory_used -= freed


def make_prefix_cache(settings: PrefixSettings) -> PrefixCache:
    """Return an empty cache with the budgets of the settings."""
    return PrefixCache(settings.memory_mb * 10**6, settings.disk_mb * 10**6)


def _moved_to_file(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor mapped from a file without a name, whose space is freed however the process ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=FOLDER) as file:
        mapped = torch.from_file(file.name, shared=True, size=tensor.numel(), dtype=tensor.dtype).view(tensor.shape)
    return mapped.copy_(tensor)
