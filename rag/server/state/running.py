"""Which server runs for an index: a file with its address and a token, so that `rag ask` can use it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.server.state.folder import make_private, state_folder

FILE = "running.json"


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
    """Say inside that this server runs for the index."""
    path = make_private(state_folder(index)) / FILE
    aside = path.with_name(f".{FILE}.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(asdict(server)), encoding="utf-8")
    aside.rename(path)
    try:
        yield
    finally:
        if (found := find_server(index)) and found.pid == server.pid:
            path.unlink(missing_ok=True)


def find_server(index: Path) -> RunningServer | None:
    """Return the server that said it runs for the index, None if there is none; it may have been killed since."""
    try:
        return RunningServer(**json.loads((state_folder(index) / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
