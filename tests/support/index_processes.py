"""Processes of their own that write an index.

They come from a fork server, which is started afresh and never runs torch: forking the test process beside torch's
threads may hang. What a child does must be a function of a module, since it is sent to the child by its name.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import langchain_text_splitters  # noqa: F401 - imported by the first document that is cut into chunks
from tqdm import tqdm

from hash_embedder import HashEmbedder
from rag.index.indexing import IndexingSettings, sync
from rag.index.writer import StoreWriter

IDENTITY = {"embedder": "tiny", "chunker": "tiny"}
_CONTEXT = multiprocessing.get_context("forkserver")


def start(work: Callable, *args) -> multiprocessing.Process:
    """Start a child that calls `work` with the arguments."""
    _start_server()
    child = _CONTEXT.Process(target=_run, args=(work, args), daemon=True)
    child.start()
    return child


def _run(work: Callable, args: tuple) -> None:
    tqdm.set_lock(threading.RLock())  # the server's own is shared, and stays taken when a child is killed that has it
    work(*args)


def exit_codes(*children) -> list[int]:
    """Wait for the children; return the exit code of each, negative for the number of the signal that killed it."""
    for child in children:
        child.join()
    return [child.exitcode for child in children]


def shared_numbers(count: int):
    """Return an array of small numbers, all 0, that a child given it as an argument shares."""
    return _CONTEXT.RawArray("i", count)


def _start_server() -> None:
    """Import once in the server what its children need; it finds modules by PYTHONPATH alone."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        _CONTEXT.set_forkserver_preload([Path(__file__).stem, "killed_indexing", "concurrent_writing"])
        multiprocessing.forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def sync_folder(index: Path, docs: Path) -> None:
    """Make the index hold what the folder holds."""
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    store.close()
