"""What is derived from the record for searching: files that are caches, caught up in memory with what the record has committed since."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.core.errors import SearchFileError, StoreError
from rag.index.bm25 import BM25Index
from rag.index.dense import DenseIndex
from rag.index.store import ChunkChanges, DocumentStore
from rag.index.writer import StoreWriter

GROWN = 0.1  # a file is made anew when so large a share of the chunks came or went since
LEAST = 500  # and as many chunks at the least: reading these again costs an opening a few hundredths of a second


@dataclass(frozen=True)
class SearchFile:
    """One kind of search index, its file's name, and what it reads of the chunks."""

    cls: Any
    stem: str
    read: Callable[[DocumentStore, np.ndarray], Any]

    def path(self, record: DocumentStore) -> Path:
        """The name holds the record's own, so that a file of another index is never taken for this one's."""
        return record.folder / f"{self.stem}-{record.name}.bin"


KINDS = (
    SearchFile(BM25Index, "lexical", DocumentStore.search_texts),
    SearchFile(DenseIndex, "dense", DocumentStore.vectors),
)


@dataclass(frozen=True)
class SearchSnapshot:
    """Search indexes over the chunks as of one change of the record. delta: of the embedder whose vectors they hold, as of `DocumentStore.delta`."""

    change: int
    delta: str
    lexical: BM25Index
    dense: DenseIndex

    def caught_up(self, record: DocumentStore) -> SearchSnapshot:
        """-> a snapshot of the record as it is now; this one stays as it is. Raises StoreError when another embedder has read its passages since."""
        with record.reading():
            if record.delta != self.delta:
                raise StoreError(
                    f"another embedder has read the passages of {record.folder} since it was opened: run the command again"
                )
            changes = record.since(self.change)
            if changes is None:
                return _open(record)
            parts = (
                part.updated(changes.added, kind.read(record, changes.added), changes.removed)
                for kind, part in _with_kind(self)
            )
            return SearchSnapshot(record.change, self.delta, *parts)


def _with_kind(snapshot: SearchSnapshot) -> Iterable[tuple[SearchFile, Any]]:
    return zip(KINDS, (snapshot.lexical, snapshot.dense), strict=True)


def open_snapshot(record: DocumentStore) -> SearchSnapshot:
    """-> the search indexes; a file that is missing or damaged is made again, and said so."""
    with record.reading():
        return _open(record)


def _open(record: DocumentStore) -> SearchSnapshot:
    return SearchSnapshot(record.change, record.delta, *(_opened(kind, record) for kind in KINDS))


def _opened(kind: SearchFile, record: DocumentStore) -> Any:
    found = _load(kind, record)
    if found is None:
        return _made(kind, record)
    base, _, changes = found
    return (
        base.updated(changes.added, kind.read(record, changes.added), changes.removed)
        if len(changes.added) or len(changes.removed)
        else base
    )


def _load(kind: SearchFile, record: DocumentStore) -> tuple[Any, int, ChunkChanges] | None:
    """-> the file's index, the change it has seen, and what came and went since; None when there is no file of use."""
    path = kind.path(record)
    if not path.exists():
        return None
    try:
        base, at = kind.cls.load(path)
    except SearchFileError as error:
        print(f"{error}; it is made again from the record", file=sys.stderr)
        return None
    changes = record.since(at) if at <= record.change else None
    return None if changes is None else (base, at, changes)


def _made(kind: SearchFile, record: DocumentStore) -> Any:
    """From the whole record; kept for the next time where that is possible."""
    changes = record.since(0)
    made = kind.cls.build(changes.added, kind.read(record, changes.added))
    path = kind.path(record)
    try:
        made.save(path, record.change)
    except OSError as error:
        print(
            f"{path} can't be written ({error.strerror or error}); searching works, opening takes longer: rag compact when there is room",
            file=sys.stderr,
        )
    return made


def refresh_files(store: StoreWriter, always: bool = False) -> int:
    """Make those files anew that have fallen too far behind, or all of them. For writers. -> the change that all files have seen."""
    seen = [store.change]
    with store.reading():
        for kind in KINDS:
            found = None if always else _load(kind, store)
            if found is None or len(found[2].added) + len(found[2].removed) > max(LEAST, GROWN * len(found[0])):
                _made(kind, store)
            else:
                seen.append(found[1])
    return min(seen)


def drop_files_ahead(store: StoreWriter) -> None:
    """Delete files that have seen more than the record has committed, as when an older store.sqlite was put back: before the record's number of changes
    comes to theirs by other changes, by which they could not be told apart any more. For writers, before they write."""
    for kind in KINDS:
        path = kind.path(store)
        try:
            if path.exists() and kind.cls.load(path)[1] > store.change:
                path.unlink()
        except SearchFileError:
            continue  # made again when it is needed


def delete_leftovers(store: StoreWriter) -> None:
    """Delete what killed processes left of files that they were saving, and files of an index that is no more. For writers."""
    for kind in KINDS:
        for path in store.folder.glob(f"{kind.stem}-*.bin*"):
            if path != kind.path(store):
                path.unlink(missing_ok=True)


def describe_files(record: DocumentStore) -> list[str]:
    """-> a line for each file: how far it has caught up, or that it is missing or damaged."""
    lines = []
    for kind in KINDS:
        path = kind.path(record)
        if not path.exists():
            lines.append(f"{path.name}: missing, made at the next search")
            continue
        try:
            base, at = kind.cls.load(path)
            changes = record.since(at)
            behind = (
                "all" if changes is None else f"{len(changes.added)} chunks added and {len(changes.removed)} removed"
            )
            lines.append(
                f"{path.name}: {len(base)} chunks as of change {at} of {record.change}; {behind} since, caught up in memory"
            )
        except SearchFileError as error:
            lines.append(f"{error}; made again at the next search")
    return lines
