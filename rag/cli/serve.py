"""`rag serve`, `rag keys` and `rag mcp`: the server, who may use it, and tools for agents."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.core.errors import RagtuneError
from rag.core.settings import Settings

INSTALL = "pip install -e '.[serve]' in the virtual environment, or make setup"


@contextmanager
def _libraries() -> Iterator[None]:
    """Say what to install where a library of the server is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "rag":
            raise
        raise RagtuneError(f"the server needs {error.name}: {INSTALL}") from error


def run_serve(args: argparse.Namespace, settings: Settings) -> None:
    """Serve page and API until interrupted."""
    for key in ("host", "port"):
        if getattr(args, key) is not None:
            settings = settings.but(f"serve.{key}={getattr(args, key)}")
    with _libraries():
        from rag.server.run import serve
    serve(settings, args.index, dict(map(_named_folder, args.adapter or ())), args.watch or (), args.quiet)


def run_mcp(args: argparse.Namespace, settings: Settings) -> None:
    """Serve tools to the agent that has started this program."""
    with _libraries():
        from rag.server.tools import serve_stdio
    serve_stdio(settings, args.index)


def _named_folder(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise RagtuneError(f"--adapter takes NAME=DIR, not {text!r}")
    if not Path(folder).is_dir():
        raise RagtuneError(f"there is no folder {folder} with an adapter to be called {name}: --adapter NAME=DIR")
    return name, Path(folder)


def run_keys(args: argparse.Namespace, settings: Settings) -> None:
    """Make, list or remove keys of the server's clients."""
    from rag.server.state.keys import add_key, read_keys, remove_key

    if args.action == "add":
        print(add_key(args.index, _key_name(args)))
        return
    if args.action == "remove":
        remove_key(args.index, _key_name(args))
        print(f"removed: {args.name}; a running server refuses it from now on")
        return
    keys = read_keys(args.index)
    for key in keys:
        print(f"{key.name}  made {key.made}")
    if not keys:
        print("there is no key yet: rag keys add NAME", file=sys.stderr)


def _key_name(args: argparse.Namespace) -> str:
    if not args.name:
        raise RagtuneError(f"no name is given: rag keys {args.action} NAME")
    name: str = args.name
    return name
