"""Folders that are watched: what is new or changed in them is read without anybody asking for it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rag.core.errors import DocumentError
from rag.documents.discovery import find_files
from rag.server.state.feedback import now
from rag.server.work.documents_worker import DocumentsWorker

EVERY = 2.0  # seconds between two looks at least
SHARE = 0.1  # of the time at most that looking takes, so that large folders are looked at less often

Files = dict[Path, tuple[int, int]]  # time of change in nanoseconds, and bytes


@dataclass
class WatchedFolder:
    """A folder, and what was seen of it.

    files: how many it had at the last look. job: of the last update, None before the first. changed: when that began,
    UTC. missing: it is not there now.
    """

    folder: Path
    files: int = 0
    job: int | None = None
    changed: str = ""
    missing: bool = False
    seen: Files = field(default_factory=dict)
    read: Files | None = None


class FolderWatcher:
    """Looks at folders every few seconds, and lets one be brought up to date when its files have changed.

    A change counts once a second look finds the files as the first did: what is still being copied waits.
    """

    def __init__(self, folders: Sequence[Path], documents: DocumentsWorker):
        """documents: does the updates, as jobs. Raises DocumentError where one of them is no folder."""
        for folder in folders:
            if not folder.is_dir():
                raise DocumentError(f"there is no folder {folder} to watch", "make it, or name another with --watch")
        self.folders = [WatchedFolder(folder.resolve()) for folder in folders]
        self._documents, self._stopped = documents, threading.Event()
        self._thread = threading.Thread(target=self._work, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        if self.folders:
            self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _work(self) -> None:
        wait = 0.0
        while not self._stopped.wait(wait):
            start = time.monotonic()
            for watched in self.folders:
                self.look(watched)
            wait = max(EVERY, (time.monotonic() - start) / SHARE)

    def look(self, watched: WatchedFolder) -> None:
        """Look at a folder once, and queue a job where its files have changed and are whole."""
        try:
            files = {path: stamp for path, _ in find_files(watched.folder) if (stamp := _stamp(path))}
        except (DocumentError, OSError):  # its disk is not there: what was read of it stays
            watched.missing = True
            return
        whole, watched.seen = files == watched.seen or not files, files
        watched.missing, watched.files = False, len(files)
        if whole and files != (watched.read or {}):
            with suppress(sqlite3.Error):  # the disk is full, or the server ends: the next look tries again
                watched.job, watched.changed = self._documents.add("sync", [str(watched.folder)]).id, now()
                watched.read = files


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
