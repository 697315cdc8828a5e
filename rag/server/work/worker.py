"""The thread that runs the models: one task after the other, and a bounded number that wait."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from rag.core.errors import RagtuneError

T = TypeVar("T")
FIRST_GUESS = 2.0  # seconds that a task takes, before any was seen
WEIGHT = 0.2  # of the newest task in the running average of seconds


class BusyError(RagtuneError):
    """As many tasks wait as may; `seconds` says when to try again."""

    def __init__(self, seconds: int):
        """seconds: until there should be room."""
        super().__init__(f"the server is busy: ask again in {seconds} s")
        self.seconds = seconds


class LeftError(RagtuneError):
    """Nobody waits for the task's result any more."""


class Task(Generic[T]):
    """Work that waits, runs or has ended. Its result is in `future`."""

    def __init__(self, work: Callable[[Task[T]], T]):
        """work: gets this task, and may call its `check` to end when nobody waits any more."""
        self._work, self._left = work, threading.Event()
        self.future: Future[T]

    def leave(self) -> None:
        """Say that nobody waits for it any more: it does not start, or ends at its next `check`."""
        self._left.set()
        self.future.cancel()

    def check(self) -> None:
        """Raise LeftError when nobody waits for this task."""
        if self._left.is_set():
            raise LeftError("the client has left")

    def run(self) -> T:
        """Do the work, unless nobody waits for it."""
        self.check()
        return self._work(self)


class ModelWorker:
    """Runs tasks in one thread, in the order in which they came."""

    def __init__(self, most_waiting: int):
        """most_waiting: tasks that may wait while another runs."""
        self._most, self._lock, self._seconds = most_waiting, threading.Lock(), FIRST_GUESS
        self._waiting: set[Task] = set()
        self._thread = ThreadPoolExecutor(1, "model")

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        with self._lock:
            return len(self._waiting)

    def submit(self, work: Callable[[Task[T]], T]) -> Task[T]:
        """Let the work be done after all that waits. Raises BusyError when there is no room."""
        task = Task(work)
        with self._lock:
            if len(self._waiting) >= self._most:
                raise BusyError(max(1, math.ceil(len(self._waiting) * self._seconds / 2)))
            self._waiting.add(task)
        task.future = self._thread.submit(self._run, task)
        task.future.add_done_callback(lambda _: self._no_longer_waits(task))
        return task

    def _no_longer_waits(self, task: Task) -> None:
        with self._lock:
            self._waiting.discard(task)

    def _run(self, task: Task[T]) -> T:
        self._no_longer_waits(task)
        start = time.perf_counter()
        result = task.run()
        self._seconds += WEIGHT * (time.perf_counter() - start - self._seconds)
        return result

    def close(self) -> None:
        """Drop what waits; what runs goes on until its next check."""
        with self._lock:
            waiting = list(self._waiting)
        for task in waiting:
            task.leave()
        self._thread.shutdown(wait=False, cancel_futures=True)
