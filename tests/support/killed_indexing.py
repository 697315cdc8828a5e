"""What children do that are killed, or meet a full disk, while they write an index."""

import os
import resource
import signal
from pathlib import Path

from hash_embedder import HashEmbedder
from index_processes import IDENTITY, sync_folder
from rag.core.errors import StoreError
from rag.core.sections import ChunkSettings
from rag.index import indexing_run, snapshot
from rag.index.database import Database
from rag.index.indexing import IndexingSettings, compact, ingest, sync
from rag.index.snapshot import SearchIndexFile
from rag.index.writer import StoreWriter

PHASES = [
    "opening",
    "reading and embedding",
    "keeping vectors",
    "putting a document",
    "removing",
    "saving search files",
    "cleaning",
]
KEEPING, PUTTING, REMOVING, SAVING, CLEANING = 2, 3, 4, 5, 6
# Where the numbers are that child and parent share: the phase now, documents committed, and how often each was entered.
PHASE, COMMITTED, ENTERED = 0, 1, 2
SHARED = ENTERED + len(PHASES)


def work_in_phases(kind: str, index: Path, docs: Path, shared) -> None:
    """Index a folder, or compact an index, and tell the phase through `shared`."""
    snapshot.LEAST = 20  # so that indexing again saves search index files too
    store = StoreWriter(index, IDENTITY, create=True)
    methods = [("keep_vectors", KEEPING), ("put", PUTTING), ("remove", REMOVING), ("clean", CLEANING)]
    for name, phase in methods:
        setattr(store, name, _marked(getattr(store, name), phase, shared))
    SearchIndexFile.make = _marked(SearchIndexFile.make, SAVING, shared)
    shared[PHASE] = 1
    compact(store) if kind == "compact" else sync(store, HashEmbedder(), docs, IndexingSettings())


def _marked(function, phase: int, shared):
    def marked(*args):
        shared[PHASE] = phase
        shared[ENTERED + phase] += 1
        result = function(*args)
        shared[PHASE] = 1
        shared[COMMITTED] += phase == PUTTING
        return result

    return marked


class _DyingEmbedder(HashEmbedder):
    """Is killed at its second batch."""

    calls = 0

    def passages(self, texts, on_batch=lambda n: None):
        self.calls += 1
        if self.calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().passages(texts, on_batch)


def die_between_batches(index: Path, docs: Path, size: int, group: int) -> None:
    """Index with chunks of `size` characters in groups of `group`; die when the second group is to be embedded."""
    indexing_run.GROUP = group
    settings = IndexingSettings(chunks=ChunkSettings(size=size))
    sync(StoreWriter(index, IDENTITY, create=True), _DyingEmbedder(), docs, settings)


def die_in_third_document(index: Path, docs: Path, size: int) -> None:
    """Die in the transaction of the third document, when its chunks are written and not yet committed."""
    written, done = Database.executemany, []

    def executemany(db, sql, rows):
        written(db, sql, rows)
        done.extend([sql] * ("INTO chunks" in sql))
        if len(done) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    Database.executemany = executemany
    settings = IndexingSettings(chunks=ChunkSettings(size))
    ingest(StoreWriter(index, IDENTITY, create=True), HashEmbedder(), [docs], settings)


def die_holding_the_lock(index: Path) -> None:
    with StoreWriter(index, IDENTITY, create=True).writing():
        os.kill(os.getpid(), signal.SIGKILL)


def die_before_a_search_file_is_renamed(index: Path, docs: Path) -> None:
    os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
    sync_folder(index, docs)


def sync_on_a_full_disk(index: Path, docs: Path, room: int) -> None:
    """Index while no file can grow beyond `room` bytes. The exit code is 7 if one line says what to do."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        sync_folder(index, docs)
    except StoreError as error:
        os._exit(7 if "run the command again" in str(error) and "\n" not in str(error) else 8)
