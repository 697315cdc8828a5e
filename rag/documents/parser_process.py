"""Files of foreign making are parsed in a child process, so that none can hang, crash or take over the indexing.

The child's processor time and memory are bounded, and its replies are data alone (`parser_protocol`). It is started
at the first file and serves the thread that started it, until a bad file stops it or a large one has made it large.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.base.sections import Parsed
from rag.documents.parser_protocol import OUT_OF_MEMORY, ProtocolError, decode_reply, read_frame, write_request

SAVE_AGAIN = "save it again in the program that made it"
# -P: a file of the user's in this folder must not stand in for a library
SERVE = (sys.executable, "-P", "-c", "from rag.documents.parser_server import serve; serve()")
_own = threading.local()


def parse_in_child(name: str, data: bytes, settings: DocumentSettings) -> Parsed:
    """Return what `registry.parse` returns for a file, parsed in the child of this thread. Raises DocumentError."""
    return process_of_thread().parse(name, data, settings)


def process_of_thread() -> ParserProcess:
    """Return the parser process of this thread; a fork has its own, since two processes cannot share pipes."""
    if getattr(_own, "parent", None) != os.getpid():
        _own.process, _own.parent = ParserProcess(), os.getpid()
    process: ParserProcess = _own.process
    return process


class ParserProcess:
    """A child process that parses files, one at a time; it is started when needed."""

    def __init__(self, command: Sequence[str] = SERVE):
        """command: what is run, and speaks `rag.documents.parser_protocol` on stdin and stdout."""
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None while there is none."""
        return self._child.pid if self._child else None

    def parse(self, name: str, data: bytes, settings: DocumentSettings) -> Parsed:
        """Return text and sections of a file called `name`. Raises DocumentError when it cannot be read."""
        child, requests, replies = self._running()
        try:
            write_request(requests, name, data, settings)
            reply = read_frame(replies, settings.max_memory)  # what the child could not hold is no reply
            if reply is None:
                raise ProtocolError("no reply")
            return decode_reply(reply)
        except (BrokenPipeError, ProtocolError) as error:
            self.stop()
            raise _died(child.returncode, settings) from error
        except DocumentError:
            raise
        except BaseException:  # a reply that comes later must not be taken for the next file's
            self.stop()
            raise
        finally:
            if self._child and _resident(child.pid) > settings.max_memory / 3:
                self.stop()

    def stop(self) -> None:
        """End the child, if there is one."""
        if self._child:
            child, self._child = self._child, None
            child.kill()
            for pipe in filter(None, (child.stdin, child.stdout)):
                with contextlib.suppress(OSError):
                    pipe.close()
            child.wait()

    def _running(self) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
        if self._child and self._child.poll() is not None:
            self.stop()
        if self._child is None:
            root = str(Path(__file__).resolve().parents[2])
            path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
            )
        assert self._child.stdin and self._child.stdout
        return self._child, self._child.stdin, self._child.stdout


def _died(status: int, settings: DocumentSettings) -> DocumentError:
    if status == -getattr(signal, "SIGPROF", 0):
        reason = f"its parser got no further in {settings.max_seconds:g} s"
        return DocumentError(reason, f"{SAVE_AGAIN}, or raise documents.max_seconds")
    if status == OUT_OF_MEMORY:
        reason = f"reading it takes more than {settings.max_memory:,} bytes of memory"
        return DocumentError(reason, "split it, or raise documents.max_memory")
    return DocumentError("its parser crashed", f"{SAVE_AGAIN}, or name it in .ragignore")


def _resident(pid: int) -> int:
    """Return the bytes of memory that a process has in use, 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
