"""Which server runs for an index: a file with its address and a token, so that `rag ask` can use it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from rag.core.errors import StoreError
from rag.core.jsonl import json_object
from rag.server.state.folder import make_private, state_folder

FILE, LOCK = "running.json", "running.lock"


@dataclass(frozen=True)
class RunningServer:
    """A server of this machine.

    host, port: where to reach it. token: opens it to this user, who alone can read the file. pid: of its process.
    settings: the user's settings that it was started with, as `Settings.overrides` gives them.
    """

    host: str
    port: int
    token: str
    pid: int
    settings: list[str]


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


@contextmanager
def announced(index: Path, server: RunningServer) -> Iterator[None]:
    """Say inside that this server runs for the index. Raises StoreError while another one does: jobs are done once."""
    path = make_private(state_folder(index)) / FILE
    with _alone(index, path.with_name(LOCK)):
        aside = path.with_name(f".{FILE}.{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(json.dumps(asdict(server)), encoding="utf-8")
        aside.rename(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _alone(index: Path, path: Path) -> Iterator[None]:
    """Hold the lock of an index's server, which the operating system frees when its process is killed."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        other = find_server(index)
        where = f" at http://{other.host}:{other.port} (process {other.pid})" if other else ""
        raise StoreError(f"a server runs for {index} already{where}: use it, or end it first") from error
    try:
        yield
    finally:
        lock.release()


def find_server(index: Path) -> RunningServer | None:
    """Return the server that said it runs for the index, None if there is none; it may have been killed since."""
    try:
        return RunningServer(**json_object((state_folder(index) / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
