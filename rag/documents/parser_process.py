"""Files of foreign making are parsed in a child process with bounded processor time and memory, so that none can hang, crash or eat up the indexing.

The child is started at the first file and serves the thread that started it until it is stopped by a bad file or grown by a large one.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.limits import start_clock
from rag.documents.formats.sections import Parsed

_own = threading.local()
SAVE_AGAIN = "save it again in the program that made it"
SERVE = "from rag.documents.parser_process import serve; serve()"


def parse_in_child(name: str, data: bytes, settings: DocumentSettings) -> Parsed:
    """-> text and sections of a file called `name`, as `rag.documents.formats.registry.parse` gives them. Raises DocumentError."""
    child = getattr(_own, "child", None)
    if (
        child is None or _own.parent != os.getpid() or child.poll() is not None
    ):  # a fork must not share its parent's pipes
        child = _start()
    try:
        _send(child.stdin, (name, data, settings))
        kind, reply, fresh = pickle.load(child.stdout)
    except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
        _stop(child)
        raise _died(child.returncode, settings) from error
    except BaseException:
        _stop(child)
        raise
    if not fresh:
        _stop(child)
    if kind == "error":
        raise DocumentError(*reply)
    return reply


def _start() -> subprocess.Popen:
    root = str(Path(__file__).resolve().parents[2])
    # -P: a file of the user's in this folder must not stand in for a library
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
    _own.parent = os.getpid()
    _own.child = subprocess.Popen(
        [sys.executable, "-P", "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
    )
    return _own.child


def _stop(child: subprocess.Popen) -> None:
    _own.child = None
    child.kill()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            pipe.close()
    child.wait()


def _send(pipe: BinaryIO, value: Any) -> None:
    pickle.dump(value, pipe, protocol=5)
    pipe.flush()


def _died(status: int, settings: DocumentSettings) -> DocumentError:
    if status == -getattr(signal, "SIGPROF", 0):
        return DocumentError(
            f"its parser got no further in {settings.max_seconds:g} s", f"{SAVE_AGAIN}, or raise documents.max_seconds"
        )
    return DocumentError("its parser crashed", f"{SAVE_AGAIN}, or name it in .ragignore")


def serve() -> None:
    """The child: requests from stdin, replies to what was stdout, until stdin ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no reply
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    while True:
        try:
            name, data, settings = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        _send(replies, _bounded(name, data, settings))


def _bounded(name: str, data: bytes, settings: DocumentSettings) -> tuple[str, Any, bool]:
    """-> ("parsed", text and sections, whether this process is still small enough to serve) or ("error", (reason, remedy), ...)."""
    from rag.documents.formats.registry import parse

    with _memory_of_at_most(settings.max_memory):
        start_clock(settings.max_seconds)
        try:
            kind, reply = "parsed", parse(name, data, settings)
        except DocumentError as error:
            kind, reply = "error", (error.reason, error.remedy)
        except MemoryError:
            return (
                "error",
                (
                    f"reading it takes more than {settings.max_memory:,} bytes of memory",
                    "split it, or raise documents.max_memory",
                ),
                False,
            )
        finally:
            start_clock(0)
        return kind, reply, _resident() < settings.max_memory / 3


def _resident() -> int:
    """-> bytes of memory in use now, 0 where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


@contextlib.contextmanager
def _memory_of_at_most(limit: int):
    """Inside, this process can't take more than `limit` bytes: what asks for more gets a MemoryError."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):  # macOS may refuse
        resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, before)
