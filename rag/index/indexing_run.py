"""One run of indexing: files are read, cut into chunks, embedded in groups and put into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rag.core.chunk import Chunk
from rag.core.errors import DocumentError, StoreError
from rag.core.progress import progress_bar
from rag.core.sections import ChunkSettings, DocumentSettings
from rag.documents.chunking import chunk_document
from rag.documents.discovery import Skipped, load_bytes
from rag.documents.document import Document, parse_document
from rag.index.store import AWAITED
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder

READING = 0.2  # of a file's bytes in the progress bar; the rest is for embedding
GROUP = 1024  # chunks embedded together: enough for batches of one length, few enough that a kill loses seconds


@dataclass
class IndexingReport:
    """What an indexing run did.

    added, changed, removed: document ids. renamed: old and new id of each. unchanged: number of documents that stay as
    they were. chunks: number of chunks put in; embedded: how many of them got a new vector. skipped: files left out.
    unread: for each file that was read in part, what of it could not be read, one line each. longer: files added whose
    id got names of folders before it, because another document has their name. sample: ids of the sample corpus, which
    left for documents of another folder. kept: by folder, ids that were not removed although their files are gone,
    because they are so many.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    chunks: int = 0
    embedded: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    unread: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    longer: dict[str, Path] = field(default_factory=dict)
    sample: list[str] = field(default_factory=list)
    kept: dict[Path, list[str]] = field(default_factory=dict)

    def join(self, other: IndexingReport) -> None:
        """Add what another run did."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, {**mine, **value} if isinstance(value, dict) else mine + value)


@dataclass(frozen=True)
class _ReadDocument:
    """A new or changed document, its chunks, and its file's size in bytes."""

    document: Document
    chunks: list[Chunk]
    size: int


class IndexingRun:
    """Adds files to the store. The caller holds the writers' lock."""

    def __init__(
        self,
        store: StoreWriter,
        embedder: Embedder,
        documents: DocumentSettings,
        chunks: ChunkSettings,
    ):
        """Raises StoreError when the embedder is not the one that made the index's vectors."""
        if store.delta != embedder.delta:  # while this process waited for the lock
            raise StoreError(
                f"another embedder has read the passages of {store.folder} meanwhile: run the command again"
            )
        self._store, self._embedder = store, embedder
        self._document_settings, self._chunk_settings = documents, chunks
        self._known = store.documents()
        self._report = IndexingReport()

    def add(self, files: list[tuple[Path, str]]) -> IndexingReport:
        """Put the files, given with their document ids, into the store as far as they are new or changed.

        An id is that of the file's document so far, or new, or that of a document which the file's takes the place of.
        """
        total = sum(_size(path) for path, _ in files)
        with progress_bar(total, "indexing", "B", unit_scale=True) as self._bar:
            group: list[_ReadDocument] = []
            for read in self._changed(files):
                group.append(read)
                if sum(len(each.chunks) for each in group) >= GROUP:
                    self._put(group)
                    group = []
            self._put(group)
        return self._report

    def _advance(self, size: float) -> None:
        self._bar.update(min(size, self._bar.total - self._bar.n))  # a file may have grown since it was counted

    def _changed(self, files: list[tuple[Path, str]]) -> Iterator[_ReadDocument]:
        """Read the files and yield those that the store does not hold as they are now."""
        for path, id in files:
            size = _size(path)
            try:
                document = self._read(path, id)
            except DocumentError as error:
                kept = "; the earlier version stays in the index" if self._holds(path, id) else ""
                self._report.skipped.append(Skipped(path, error.reason + kept, error.remedy))
                self._advance(size)
                continue
            if document is None:
                self._report.unchanged += 1
                self._advance(size)
                continue
            (self._report.changed if self._known.get(id, AWAITED)[1] else self._report.added).append(id)
            self._known[id] = (document.source, document.digest)
            if document.unread:
                self._report.unread[path] = document.unread
            self._advance(size * READING)
            yield _ReadDocument(document, chunk_document(document, self._chunk_settings), size)

    def _holds(self, path: Path, id: str) -> bool:
        """Tell whether the store has a document of this file under this id."""
        return id in self._known and self._known[id][0] == str(path.resolve())

    def _read(self, path: Path, id: str) -> Document | None:
        """Return the file's document, None if the store has it as it is. Raises DocumentError when it can't be read."""
        _require_utf8(path, id)
        data = load_bytes(path, self._document_settings)
        if self._holds(path, id) and self._known[id][1] == hashlib.sha256(data).hexdigest():
            return None
        return parse_document(path, id, data, self._document_settings)

    def _put(self, group: list[_ReadDocument]) -> None:
        """Embed what has no vector yet, GROUP chunks at a time, each kept at once; then put the documents in."""
        chunks = [chunk for read in group for chunk in read.chunks]
        size = sum(read.size for read in group) * (1 - READING)
        new = self._store.without_vector(chunks)
        for at in range(0, len(new), GROUP):
            some = new[at : at + GROUP]
            texts = [chunk.embedding_text for chunk in some]
            vectors = self._embedder.passages(texts, lambda n: self._advance(size * n / len(new)))
            self._store.keep_vectors(some, vectors)
        for read in group:
            self._store.put(read.document, read.chunks)
        if not new:
            self._advance(size)
        self._report.chunks += len(chunks)
        self._report.embedded += len(new)


def _require_utf8(path: Path, id: str) -> None:
    try:
        f"{path.resolve()} {id}".encode()
    except UnicodeEncodeError as error:
        raise DocumentError("its name is not UTF-8", "rename it") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it will tell
