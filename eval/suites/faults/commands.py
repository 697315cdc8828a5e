"""Commands of this program as processes that begin at once, since they are forks of one that has imported everything.

Whatever is done to a process is done in the fork: this process has to live.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eval.suites.faults.serving import PLAY, play

LIMIT = 300.0  # seconds until a command counts as one that hangs
_PRELOADED = (
    "faiss",
    "torch",
    "transformers",
    "peft",
    "trl",
    "datasets",
    "sentence_transformers",
    "scipy.stats",
    "sklearn.linear_model",
    "matplotlib.pyplot",
    "pdfplumber",
    "fastapi",
    "uvicorn",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended. status: its exit status, negative for the signal that ended it, None where it hung."""

    status: int | None
    printed: str
    seconds: float

    @property
    def error(self) -> str:
        """Return its last line where that is an error for people, else ""."""
        lines = self.printed.strip().splitlines()
        return lines[-1] if lines and lines[-1].startswith("error: ") else ""


@dataclass
class Running:
    """A command that runs. printed: the file of what it says."""

    pid: int
    printed: Path
    began: float

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has not made its group yet
            os.kill(self.pid, signal.SIGKILL)

    def ended(self, limit: float = LIMIT) -> Ended | None:
        """Return how it ended, None if it still runs; one that runs longer than `limit` seconds is killed."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return self._end(os.waitstatus_to_exitcode(status))
        if time.monotonic() - self.began < limit:
            return None
        self.kill()
        os.waitpid(self.pid, 0)
        return self._end(None)

    def wait(self, limit: float = LIMIT) -> Ended:
        """Wait until it ends, at most so many seconds."""
        while not (ended := self.ended(limit)):
            time.sleep(0.01)
        return ended

    def _end(self, status: int | None) -> Ended:
        with suppress(ProcessLookupError):  # its parser process may still be about to see that it is gone
            os.killpg(self.pid, signal.SIGKILL)
        printed = self.printed.read_text(encoding="utf-8", errors="replace")
        self.printed.unlink()
        return Ended(status, printed, time.monotonic() - self.began)


def prepare() -> None:
    """Import what commands need, once. No thread may run when a command is started."""
    for name in _PRELOADED:
        __import__(name)
    import torch

    torch.set_num_threads(1)


def start(words: Sequence[str], folder: Path, fault: Callable[[], None] | None = None) -> Running:
    """Start a command, such as ["rag", "index", "docs"], in a folder. fault: is called in its process first."""

    def run() -> None:
        if words[0] == PLAY:  # the server meets the fault, not its client
            play(list(words[1:]), fault)
            return
        if fault:
            fault()
        sys.argv = list(words)
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)

    return call(run, folder)


def call(work: Callable[[], object], folder: Path) -> Running:
    """Start a function in a process of its own, in a folder."""
    printed = folder.parent / f"printed-{os.urandom(6).hex()}.txt"
    printed.touch(0o666)
    printed.chmod(0o666)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Running(pid, printed, time.monotonic())
    status = 1
    try:
        _detach(folder, printed)
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 - as Python itself shows it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _detach(folder: Path, printed: Path) -> None:
    """Let this process have a group of its own, and print into a file."""
    os.setsid()
    out = os.open(printed, os.O_WRONLY | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - as long as the process lives
    os.chdir(folder)
