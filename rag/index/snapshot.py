"""The search indexes of a document store: files that are caches, brought up to date in memory when they are opened."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from rag.core.errors import SearchFileError, StoreError
from rag.index.bm25 import BM25Index
from rag.index.dense import DenseIndex
from rag.index.store import ChunkChanges, DocumentStore
from rag.index.writer import StoreWriter

GROWN = 0.1  # a file is made anew when so large a share of the chunks was added or removed since
LEAST = 500  # and at least so many chunks: reading these again costs an opening a few hundredths of a second


class SearchIndex(Protocol):
    """What both search indexes do. content: what an index reads of the chunks, texts or vectors."""

    @classmethod
    def build(cls, ids: np.ndarray, content: Any, /) -> Self:
        """Index chunks of ascending ids."""
        ...

    @classmethod
    def load(cls, path: Path) -> tuple[Self, int]:
        """Return a saved index and the change number that it has seen."""
        ...

    def save(self, path: Path, change: int) -> None:
        """Write the index, with the change number that it has seen."""
        ...

    def updated(self, ids: np.ndarray, content: Any, removed: np.ndarray, /) -> Self:
        """Return an index with chunks added and removed."""
        ...

    def __len__(self) -> int: ...


Index = TypeVar("Index", bound=SearchIndex)


@dataclass(frozen=True)
class SearchIndexFile(Generic[Index]):
    """One kind of search index: its class, how its files' names begin, and what it reads of the chunks."""

    index: type[Index]
    stem: str
    read: Callable[[DocumentStore, np.ndarray], Any]

    def path(self, store: DocumentStore) -> Path:
        """Return the file of this store. Its name has the store's own, so that no file of another index is taken."""
        return store.folder / f"{self.stem}-{store.name}.bin"

    def load(self, store: DocumentStore) -> tuple[Index, int]:
        """Return the saved index and the change number that it has seen. Raises SearchFileError."""
        return self.index.load(self.path(store))

    def load_usable(self, store: DocumentStore) -> tuple[Index, int, ChunkChanges] | None:
        """Return the saved index, the change number that it has seen, and what was added and removed since.

        Returns None where there is no file, it is damaged (which is reported), or it is of another history.
        """
        if not self.path(store).exists():
            return None
        try:
            index, seen = self.load(store)
        except SearchFileError as error:
            print(f"{error}; it is made again from the document store", file=sys.stderr)
            return None
        changes = store.changes_since(seen) if seen <= store.change else None
        return None if changes is None else (index, seen, changes)

    def update(self, index: Index, store: DocumentStore, changes: ChunkChanges) -> Index:
        """Return the index with what was added and removed."""
        if not len(changes.added) and not len(changes.removed):
            return index
        return index.updated(changes.added, self.read(store, changes.added), changes.removed)

    def make(self, store: DocumentStore) -> Index:
        """Build the index from the whole store, and save it where that is possible."""
        ids = store.ids()
        made = self.index.build(ids, self.read(store, ids))
        path = self.path(store)
        try:
            made.save(path, store.change)
        except OSError as error:
            problem = f"{path} can't be written ({error.strerror or error}); searching works, opening takes longer"
            print(f"{problem}: rag compact when there is room", file=sys.stderr)
        return made

    def open(self, store: DocumentStore) -> Index:
        """Return the index of the store as it is now, from the file where that is of use."""
        found = self.load_usable(store)
        return self.make(store) if found is None else self.update(found[0], store, found[2])


LEXICAL = SearchIndexFile(BM25Index, "lexical", DocumentStore.search_texts)
DENSE = SearchIndexFile(DenseIndex, "dense", DocumentStore.vectors)
FILES: tuple[SearchIndexFile[Any], ...] = (LEXICAL, DENSE)


@dataclass(frozen=True)
class SearchSnapshot:
    """Search indexes over the chunks as of one change of the store.

    delta: the weight delta of the embedder whose vectors they hold, as `DocumentStore.delta`.
    """

    change: int
    delta: str
    lexical: BM25Index
    dense: DenseIndex

    def updated(self, store: DocumentStore) -> SearchSnapshot:
        """Return a snapshot of the store as it is now; this one stays as it is.

        Raises StoreError when another embedder has made the store's vectors since.
        """
        with store.reading():
            if store.delta != self.delta:
                problem = f"another embedder has read the passages of {store.folder} since it was opened"
                raise StoreError(f"{problem}: run the command again")
            changes = store.changes_since(self.change)
            if changes is None:
                return open_snapshot(store)
            lexical, dense = LEXICAL.update(self.lexical, store, changes), DENSE.update(self.dense, store, changes)
            return SearchSnapshot(store.change, self.delta, lexical, dense)


def open_snapshot(store: DocumentStore) -> SearchSnapshot:
    """Open the search indexes. A file that is missing or damaged is made again; damage is reported."""
    with store.reading():
        return SearchSnapshot(store.change, store.delta, LEXICAL.open(store), DENSE.open(store))


def refresh_files(store: StoreWriter, always: bool = False) -> int:
    """Make those search index files anew that have fallen too far behind, or all of them. For writers.

    Returns the change number that all files have seen.
    """
    with store.reading():
        return min(store.change, *(_refresh(file, store, always) for file in FILES))


def _refresh(file: SearchIndexFile[Index], store: StoreWriter, always: bool) -> int:
    found = None if always else file.load_usable(store)
    if found is not None:
        index, seen, changes = found
        if len(changes.added) + len(changes.removed) <= max(LEAST, GROWN * len(index)):
            return seen
    file.make(store)
    return store.change


def delete_files_ahead(store: StoreWriter) -> None:
    """Delete files that have seen more changes than the store has, as when an older store.sqlite was put back.

    For writers, before they write: once other changes have the same numbers, such files could not be recognized.
    """
    for file in FILES:
        try:
            if file.path(store).exists() and file.load(store)[1] > store.change:
                file.path(store).unlink()
        except SearchFileError:
            continue  # made again when it is needed


def delete_leftovers(store: StoreWriter) -> None:
    """Delete files that killed processes did not finish, and files of an index that is no more. For writers."""
    for file in FILES:
        for path in store.folder.glob(f"{file.stem}-*.bin*"):
            if path != file.path(store):
                path.unlink(missing_ok=True)


def describe_files(store: DocumentStore) -> list[str]:
    """Describe each search index file in one line: how up to date it is, or that it is missing or damaged."""
    return [_describe(file, store) for file in FILES]


def _describe(file: SearchIndexFile[Index], store: DocumentStore) -> str:
    path = file.path(store)
    if not path.exists():
        return f"{path.name}: missing, made at the next search"
    try:
        index, seen = file.load(store)
    except SearchFileError as error:
        return f"{error}; made again at the next search"
    changes = store.changes_since(seen)
    behind = "all" if changes is None else f"{len(changes.added)} chunks added and {len(changes.removed)} removed"
    return f"{path.name}: {len(index)} chunks as of change {seen} of {store.change}; {behind} since, read when opened"
