"""The process that parses files: one after the other, each within bounds of processor time and memory."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import start_clock
from rag.documents.formats.registry import parse
from rag.documents.parser_protocol import OUT_OF_MEMORY, encode_error, encode_parsed, read_request, write_frame


def serve() -> None:
    """Answer requests from stdin on what was stdout, until stdin ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no reply
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    while (request := read_request(sys.stdin.buffer)) is not None:
        write_frame(replies, _reply(*request))
        replies.flush()


def _reply(name: str, data: bytes, settings: DocumentSettings) -> bytes:
    try:
        with memory_of_at_most(settings.max_memory):
            start_clock(settings.max_seconds)
            try:
                return encode_parsed(parse(name, data, settings))
            finally:
                start_clock(0)
    except DocumentError as error:
        return encode_error(error)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # the libraries may be in any state now


@contextlib.contextmanager
def memory_of_at_most(limit: int) -> Iterator[None]:
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
