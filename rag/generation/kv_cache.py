"""What is kept of passages that have been read: tensors of keys and values within budgets of memory and disk."""

from __future__ import annotations

import tempfile
from collections import Counter, OrderedDict
from pathlib import Path

import torch

from rag.core.sections import PrefixSettings

Parts = tuple[tuple[int, ...], ...]  # token ids
Key = tuple[str, Parts]  # and what the numbers depend on besides them
FOLDER = Path("var/prefixes")


class PrefixCache:
    """Within `budget` bytes of memory what has not been used for longest goes first, and what is in use stays. When all is in use, a newcomer goes to a
    file, within `disk` bytes, or is handed out without being kept."""

    def __init__(self, budget: int, disk: int = 0):
        self.budget, self.size = budget, 0
        self.disk, self.on_disk = disk, 0
        self._kept: OrderedDict[Key, torch.Tensor] = OrderedDict()
        self._mapped: set[Key] = set()
        self._users: Counter[Key] = Counter()

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def take(self, key: Key) -> torch.Tensor | None:
        """-> what is kept, now in use until `release`; None where nothing is."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        self._users[key] += 1
        return self._kept[key]

    def put(self, key: Key, tensor: torch.Tensor) -> None:
        """Keep it, in use until `release`, if there is or can be made room."""
        wanted = tensor.nbytes
        idle = [k for k in self._kept if not self._users[k] and k not in self._mapped]
        if key in self._kept:
            return
        if self.size - sum(self._kept[k].nbytes for k in idle) + wanted <= self.budget:
            for old in idle:
                if self.size + wanted <= self.budget:
                    break
                self._drop(old)
            self.size += wanted
        elif self.on_disk + wanted <= self.disk:
            tensor = _in_a_file(tensor)
            self._mapped.add(key)
            self.on_disk += wanted
        else:
            return
        self._kept[key] = tensor
        self._users[key] += 1

    def _drop(self, key: Key) -> None:
        freed = self._kept.pop(key).nbytes
        if key in self._mapped:
            self._mapped.remove(key)
            self.on_disk -= freed
        else:
            self.size -= freed

    def release(self, key: Key) -> None:
        """One user less."""
        self._users[key] -= self._users[key] > 0
        if not self._users[key]:
            del self._users[key]

    def clear(self) -> None:
        """Forget all that is not in use."""
        for key in [k for k in self._kept if not self._users[k]]:
            self._drop(key)


def make_prefix_cache(settings: PrefixSettings) -> PrefixCache:
    """Return an empty cache with the budgets of the settings."""
    return PrefixCache(settings.memory_mb * 10**6, settings.disk_mb * 10**6)


def _in_a_file(tensor: torch.Tensor) -> torch.Tensor:
    """-> the same numbers, mapped from a file that has no name any more: its space is free when the tensor or the process is gone, however it ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=FOLDER) as file:
        mapped = torch.from_file(file.name, shared=True, size=tensor.numel(), dtype=tensor.dtype).view(tensor.shape)
    return mapped.copy_(tensor)
