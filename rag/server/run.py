"""Running the server: a socket, the application on it, and the file that says where it runs."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

import uvicorn
from fastapi import APIRouter

from rag.core.errors import RagtuneError
from rag.core.settings import Settings
from rag.server.api.gate import is_loopback
from rag.server.api.observed import log_to_stderr
from rag.server.app import create_app, rules_of
from rag.server.state.keys import read_keys
from rag.server.state.running import RunningServer, announced, new_token
from rag.server.work.service import Service

ROUTERS = "ragtune.routers"  # the group of entry points
BACKLOG = 128  # connections that wait to be taken
PATIENCE = 5  # seconds that requests have to end when the server is stopped


def serve(
    settings: Settings, index: Path, adapters: Mapping[str, Path], watch: Sequence[Path] = (), quiet: bool = False
) -> None:
    """Serve until it is interrupted.

    adapters: more adapters that requests can name. watch: folders whose new and changed files are read. quiet: no log.
    Raises RagtuneError where another host is to be served without a key, where the address can't be had, and where a
    folder is not there.
    """
    service = Service(settings, index, adapters)
    limits, token = service.limits, new_token()
    loopback = is_loopback(limits.host)
    if not loopback:
        _require_key(limits.host, index)
    with _listen(limits.host, limits.port) as listening:
        port: int = listening.getsockname()[1]
        reached = limits.host if loopback else "127.0.0.1"
        running = RunningServer(reached, port, token, os.getpid(), settings.overrides)
        app = create_app(service, rules_of(service, loopback, token), other_routers(), watch)
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=PATIENCE
        )
        with suppress(KeyboardInterrupt), announced(index, running):
            if not quiet:
                log_to_stderr()
            _tell_address(limits.host, port)
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end as Ctrl-C does, not at once
            uvicorn.Server(config).run([listening])


def other_routers() -> list[APIRouter]:
    """Return the endpoints that packages above this one register, as finetune does for its runs and rows."""
    return [each.load() for each in entry_points(group=ROUTERS)]


def _tell_address(host: str, port: int) -> None:
    named = f"[{host.strip('[]')}]" if ":" in host else host
    print(f"serving http://{named}:{port} (page and API; Ctrl-C ends it)", file=sys.stderr, flush=True)


def _require_key(host: str, index: Path) -> None:
    if not read_keys(index):
        raise RagtuneError(f"{host} can be reached from other machines, and there is no key yet: rag keys add NAME")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
        listening.listen(BACKLOG)  # now, so that whoever reads of the server can connect
    except OSError as error:
        listening.close()
        reason = f"{host}:{port} can't be served ({error.strerror or error})"
        raise RagtuneError(f"{reason}: name another with --port N, or end what serves there") from error
    return listening
