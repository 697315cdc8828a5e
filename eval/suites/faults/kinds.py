"""The faults: what is done to a command's process, or to its files before it begins."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

YEAR = 365 * 24 * 3600
Fault = Callable[[], None]


def out_of_disk(room: int) -> Fault:
    """Let no file of the process grow beyond `room` bytes."""

    def fault() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return fault


def out_of_memory(room: int) -> Fault:
    """Let the process take `room` bytes of memory beyond what it has."""

    def fault() -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
        most = pages * resource.getpagesize() + room
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return fault


def clock_set_back() -> None:
    """Let the process believe that it is a year ago."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() - YEAR
    time.time_ns = lambda: now_ns() - YEAR * 10**9


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Mount a folder read-only inside."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def small_disk(folder: Path, room: int) -> Iterator[None]:
    """Let a folder be a file system of its own inside, with `room` bytes left beside what is in it."""
    size = sum(path.stat().st_size + 4096 for path in folder.rglob("*")) + room + 65536
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", folder], check=True)
        yield
        subprocess.run(["rm", "-rf", aside], check=True)
        subprocess.run(["cp", "-a", folder, aside], check=True)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()
        aside.rename(folder)


def files_of(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the files of the patterns that are not empty."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file() and path.stat().st_size}
    return sorted(path for path in found if path.suffix != ".lock")


def truncate(path: Path, draw: random.Random) -> str:
    """Cut a file off at some place, and say where."""
    size = path.stat().st_size
    left = draw.randrange(size)
    os.truncate(path, left)
    return f"{path.name} cut to {left:,} of {size:,} bytes"


def flip_a_bit(path: Path, draw: random.Random) -> str:
    """Change one bit of a file, and say where."""
    data = bytearray(path.read_bytes())
    at, bit = draw.randrange(len(data)), draw.randrange(8)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    return f"{path.name} bit {bit} of byte {at:,} of {len(data):,}"
