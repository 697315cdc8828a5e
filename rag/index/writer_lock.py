"""One writer at a time: the lock that all processes take which change an index."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag.core.errors import StoreError


@contextmanager
def writer_lock(folder: Path, patience: float = -1) -> Iterator[None]:
    """Hold the lock of the index in `folder`; say so on standard error while another process has it.

    patience: seconds to wait, without end if negative. Raises StoreError when the time is over, or the folder can't be
    written. The operating system frees the lock of a process that is killed.
    """
    lock = FileLock(folder / ".lock")
    try:
        _acquire(lock, patience)
    except Timeout as error:
        busy = f"another process is still writing the index in {folder}"
        raise StoreError(f"{busy}: wait for it and run the command again") from error
    except OSError as error:
        remedy = "check its permissions, or name another with --index"
        raise StoreError(f"{folder} can't be written ({error}): {remedy}") from error
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, patience: float) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print("another process is writing this index; waiting for it", file=sys.stderr, flush=True)
        lock.acquire(timeout=patience)
