"""What training takes: seconds without the evaluations, and memory, in a process of its own."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from transformers import TrainerCallback


class Clock(TrainerCallback):
    """begin: when training began; ends: when each epoch ended. In seconds, as time.perf_counter counts, less what evaluations and checkpoints took."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.begin = self._aside = self._since = 0.0

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        self.begin = self._since = time.perf_counter()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self._since = time.perf_counter()

    def on_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        self._since = time.perf_counter()
        self.ends.append(self._since - self._aside)

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        now = time.perf_counter()
        self._aside, self._since = self._aside + now - self._since, now

    on_save = on_evaluate


def alone(work: Callable[..., Any], *args: Any) -> Any:
    """-> what the work gives, done in a process of its own, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def peak_mb() -> int:
    """-> most memory that this process has had, 10^6 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 10**6
