"""What training costs: seconds without the evaluations, and the peak memory of a process of its own."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from transformers import TrainerCallback

Result = TypeVar("Result")


class TrainingClock(TrainerCallback):
    """Keeps when training began and when each epoch ended, in seconds of time.perf_counter.

    The time of evaluations and checkpoints before is taken off `epoch_ends`.
    """

    def __init__(self) -> None:
        self.epoch_ends: list[float] = []
        self.begin = 0.0
        self._paused = self._since = 0.0

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        self.begin = self._since = time.perf_counter()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self._since = time.perf_counter()

    def on_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        self._since = time.perf_counter()
        self.epoch_ends.append(self._since - self._paused)

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        now = time.perf_counter()
        self._paused, self._since = self._paused + now - self._since, now

    on_save = on_evaluate


def in_own_process(work: Callable[..., Result], *args: Any) -> Result:
    """Return what `work` returns, done in a process of its own, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def peak_memory_mb() -> int:
    """Return the most memory that this process has had, in MB of 10^6 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 10**6
