"""The thread that changes the index: jobs of adding, removing and bringing up to date, one after the other."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.core.errors import DocumentError, RagtuneError, StoreError
from rag.core.progress import telling_progress
from rag.core.settings import Settings
from rag.factory import index_folders, open_index_for_writing, open_store, open_writer
from rag.index.store import STORE_FILE
from rag.server.state.folder import uploads_folder
from rag.server.state.jobs import DONE, FAILED, QUEUED, RUNNING, Job, JobFile
from rag.server.state.uploads import left_over

if TYPE_CHECKING:
    from rag.index.indexing_run import IndexingReport
    from rag.index.writer import StoreWriter
    from rag.models.embedder import Embedder

OFTEN = 0.2  # seconds between two progress events at least
AGAIN = 5.0  # seconds until jobs are tried again whose file could not be written


class DocumentsWorker:
    """Does the jobs of a job file, those first that a killed server has left."""

    def __init__(self, settings: Settings, index: Path, jobs: JobFile, on_removed: Callable[[], None]):
        """on_removed: called after each job, since documents may have left the index, and at the start."""
        self._settings, self._index, self.jobs, self._on_removed = settings, index, jobs, on_removed
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="documents", daemon=True)

    def start(self) -> None:
        """Begin with what is queued, and with what was interrupted."""
        unfinished = self.jobs.unfinished()
        for job in unfinished:
            if job.state == RUNNING:
                self.jobs.tell(job.id, QUEUED, resumed=True)
        queued = {target for job in unfinished for target in job.targets}
        if missing := [path for path in left_over(self._index, self._known_files()) if path not in queued]:
            self.jobs.add("ingest", missing)
        self._thread.start()

    def _known_files(self) -> set[str]:
        if not (self._index / STORE_FILE).exists():
            return set()
        store = open_store(self._settings, self._index)
        try:
            return {source for source, _ in store.documents().values()}
        finally:
            store.close()

    def add(self, kind: str, targets: list[str]) -> Job:
        """Queue a job and return it."""
        job = self.jobs.add(kind, targets)
        self._wake.set()
        return job

    def close(self) -> None:
        """End after the job that runs; the others wait for the next start."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                self._on_removed()  # a kill may have come before it, or the disk was full
                for job in self.jobs.unfinished():
                    if self._stopped.is_set():
                        return
                    self._do(job)
            except (sqlite3.Error, StoreError):  # nothing can be kept: the disk is full, or the server ends
                self._stopped.wait(AGAIN)
                continue
            self._wake.wait()

    def _do(self, job: Job) -> None:
        self.jobs.tell(job.id, RUNNING)
        try:
            try:
                with telling_progress(_Progress(self.jobs, job.id)):
                    report = _WORK[job.kind](self, job.targets)
            finally:
                self._on_removed()
        except RagtuneError as error:
            self.jobs.tell(job.id, FAILED, error=str(error))
        except Exception as error:  # noqa: BLE001 - a fault must end this job, not the thread
            self.jobs.tell(job.id, FAILED, error=f"a fault of the program ({type(error).__name__}): rag doctor")
        else:
            self.jobs.tell(job.id, DONE, report=report)

    def _ingest(self, targets: list[str]) -> dict[str, Any]:
        store, embedder = open_index_for_writing(self._settings, self._index)
        try:
            there, report = self._ingest_those_there(store, embedder, targets)
            indexed = {source for source, _ in store.documents().values()}
        finally:
            store.close()
        self._delete_unread({path: number for path, number in there.items() if str(path.resolve()) not in indexed})
        return report_facts(report)

    def _ingest_those_there(
        self, store: StoreWriter, embedder: Embedder, targets: list[str]
    ) -> tuple[dict[Path, int], IndexingReport]:
        """Read the files that are there; where one is deleted meanwhile, the others are read without it.

        Returns the files with their inodes, and the report.
        """
        from rag.index.indexing import IndexingSettings, ingest

        while True:
            there = {path: number for path in map(Path, targets) if (number := _inode(path))}
            try:
                return there, ingest(store, embedder, list(there), IndexingSettings.of(self._settings))
            except DocumentError:
                if all(map(_inode, there)):
                    raise

    def _delete_unread(self, files: dict[Path, int]) -> None:
        """Delete uploads that can't be read, which nobody could else; not a file that has come in their place since."""
        uploads = uploads_folder(self._index).resolve()
        for path, number in files.items():
            if path.resolve().parent == uploads and _inode(path) == number:
                path.unlink(missing_ok=True)

    def _remove(self, targets: list[str]) -> dict[str, Any]:
        from rag.index.indexing import remove

        store = open_writer(self._settings, self._index)
        try:
            there = store.documents()
            ids = [id for id in targets if id in there]
            remove(store, ids)
        finally:
            store.close()
        return {"removed": ids}

    def _sync(self, targets: list[str]) -> dict[str, Any]:
        return report_facts(index_folders([Path(target) for target in targets], self._settings, self._index))


_WORK = {"ingest": DocumentsWorker._ingest, "remove": DocumentsWorker._remove, "sync": DocumentsWorker._sync}


def _inode(path: Path) -> int:
    """Return the number of a file, 0 where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


class _Progress:
    """Tells progress as events of a job, not too often."""

    def __init__(self, jobs: JobFile, job: int):
        self._jobs, self._job, self._last = jobs, job, 0.0

    def __call__(self, what: str, done: float, total: float) -> None:
        if time.monotonic() - self._last >= OFTEN or done >= total:
            self._last = time.monotonic()
            self._jobs.tell(self._job, RUNNING, what=what, done=round(done), total=round(total))


def report_facts(report: IndexingReport) -> dict[str, Any]:
    """Return what an indexing run did as JSON has it; files are named without their folders."""
    facts = asdict(report)
    skipped = [{"file": each.path.name, "reason": each.reason, "remedy": each.remedy} for each in report.skipped]
    unread = {path.name: list(lines) for path, lines in report.unread.items()}
    kept = {str(folder): ids for folder, ids in report.kept.items()}
    return {**facts, "skipped": skipped, "unread": unread, "kept": kept, "longer": list(report.longer)}
