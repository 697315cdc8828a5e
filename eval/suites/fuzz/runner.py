"""Inputs in large numbers, in a process with bounded memory and a time limit for each: what is not refused is kept."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from eval.suites.fuzz.mutation import Check
from rag.core.errors import RagtuneError

SECONDS = 10  # of one input; what takes longer hangs
MEMORY = 6_000_000_000  # bytes of the process


class HangError(Exception):
    """An input took too long."""


@dataclass(frozen=True)
class Found:
    """What was not refused as it should be. where: what was raised and in which line. seed: makes the input again."""

    target: str
    where: str
    seed: str


def fuzz(name: str, check: Check, inputs: int, seconds: float, first: int = 0) -> dict[str, Any]:
    """Give a target so many inputs, or as many as fit into the seconds; return counts and what was found, once each."""
    found: dict[str, Found] = {}
    begun, number, refused, slowest = time.monotonic(), first, 0, 0.0
    while number < first + inputs and time.monotonic() - begun < seconds:
        seed, start = f"{name} {number}", time.perf_counter()
        try:
            with _limit():
                check(random.Random(seed))
        except RagtuneError:
            refused += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            place, said = _where(error)
            found.setdefault(place, Found(name, f"{place}: {said}", seed))
        number, slowest = number + 1, max(slowest, time.perf_counter() - start)
    counts = {"inputs": number - first, "refused": refused, "slowest": round(slowest, 2)}
    return {**counts, "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} | {
        "found": [vars(each) for each in found.values()]
    }


@contextmanager
def _limit() -> Iterator[None]:
    def hang(number: int, frame: FrameType | None) -> None:
        raise HangError(f"more than {SECONDS} s")

    signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def _where(error: Exception) -> tuple[str, str]:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(part in frame.filename for part in ("/site-packages/", "/lib/", "<"))]
    place = own[-1] if own else frames[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}", str(error)[:200]


def run_apart(target: str, inputs: int, seconds: float, first: int) -> dict[str, Any]:
    """Fuzz a target in a process of its own; one that dies is found, too."""
    code = "import sys; from eval.suites.fuzz.runner import serve; serve(*sys.argv[1:])"
    words = [sys.executable, "-c", code, target, str(inputs), str(seconds), str(first)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        found = Found(target, f"the process ended with {done.returncode}: {done.stderr.strip()[-300:]}", str(first))
        return {"inputs": 0, "refused": 0, "slowest": 0.0, "memory_mb": 0, "found": [vars(found)]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def serve(target: str, inputs: str, seconds: str, first: str) -> None:
    """Fuzz a target in this process, and print what came of it."""
    from eval.suites.fuzz.targets import TARGETS

    check = TARGETS[target]()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(json.dumps(fuzz(target, check, int(inputs), float(seconds), int(first))))
