"""The document store as writers change it: one transaction a document, the same text and vector kept once."""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.core.chunk import Chunk
from rag.core.errors import StoreError
from rag.index.database import Database, batches, placeholders
from rag.index.left_documents import note_left
from rag.index.schema import initialize
from rag.index.staged_vectors import StagedVectors
from rag.index.store import STORE_FILE, DocumentStore, text_digest, vector_key
from rag.index.writer_lock import writer_lock

if TYPE_CHECKING:
    from rag.documents.document import Document

_UNUSED_VECTORS = "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE vector = vectors.id)"
_ADD_DOCUMENT = (
    "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET source = excluded.source, "
    "title = excluded.title, digest = excluded.digest, content = excluded.content, "
    "unread = excluded.unread"
)
_ADD_CHUNK = (
    "INSERT INTO chunks (change, document, ordinal, start, end, headings, page, cells, vector) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM vectors WHERE key = ?))"
)


class StoreWriter(DocumentStore):
    """The document store, open for writing."""

    def __init__(self, folder: Path, identity: dict[str, str], create: bool = False, delta: str = ""):
        """Open the index in `folder`.

        create: make it if there is none, for the embedder with this weight delta (as `DocumentStore.delta`). Raises
        StoreError as DocumentStore does, and when the folder can't be written.
        """
        if create:
            _make_folder(folder)
        elif not (folder / STORE_FILE).exists():
            raise StoreError(f"there is no index in {folder}: make index, or rag --index {folder} index FOLDER")
        db = Database(folder / STORE_FILE, write=True)
        if create and not db.one("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            initialize(db, {**identity, "changes": delta})
        self._arguments = (folder, identity, create, delta)
        self._open(folder, identity, db)

    def _open(self, folder: Path, identity: dict[str, str], db: Database) -> None:
        super()._open(folder, identity, db)
        self.staged = StagedVectors(db)
        self._perhaps_unused: set[int] = set()

    @contextmanager
    def writing(self, patience: float = -1) -> Iterator[None]:
        """Hold the writers' lock inside, waiting while another process has it.

        patience: seconds to wait, without end if negative. Raises StoreError as `writer_lock` does.
        """
        with writer_lock(self.folder, patience):
            if not self._db.is_current():
                # Another process rebuilt the index while this one waited: the file that it opened has no name any more.
                self.close()
                StoreWriter.__init__(self, *self._arguments)
            yield
            self._drop_unused_vectors()

    def keep_vectors(self, chunks: list[Chunk], vectors: np.ndarray) -> None:
        """Keep vectors of a document that is not finished, so that a kill does not cost them.

        vectors: (len(chunks), dimension), normalized.
        """
        with self._db.transaction():
            self._add_vectors(chunks, vectors)

    def _add_vectors(self, chunks: list[Chunk], vectors: np.ndarray) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO vectors (key, vector, crc) VALUES (?, ?, ?)", _rows(chunks, vectors)
        )

    def stage_vectors(self, delta: str, chunks: list[Chunk], vectors: np.ndarray) -> None:
        """Keep vectors that the embedder with another weight delta has made. vectors: as in keep_vectors."""
        with self._db.transaction():
            self.staged.keep(delta, _rows(chunks, vectors))

    def use_staged_vectors(self, delta: str) -> None:
        """Put the staged vectors of an embedder, one for every text of the index, in the place of those in use.

        The store gets another name, by which search index files of the former vectors are told from its own. Readers
        have the new vectors from their next opening on.
        """
        with self._db.transaction():
            identity = self._identity()
            self._db.execute(_UNUSED_VECTORS)
            self.staged.swap(identity.get("changes", ""), delta)
            self._set_meta("identity", json.dumps({**identity, "changes": delta}))
            self._set_meta("name", os.urandom(4).hex())
            self._next_change()

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("UPDATE meta SET value = ? WHERE key = ?", [value, key])

    def without_vector(self, chunks: list[Chunk]) -> list[Chunk]:
        """Return those of the chunks whose text has no vector yet, each text once."""
        wanted = {vector_key(chunk): chunk for chunk in chunks}
        for some in batches(list(wanted)):
            for (key,) in self._db.rows(f"SELECT key FROM vectors WHERE key IN ({placeholders(some)})", some):
                del wanted[key]
        return list(wanted.values())

    def put(self, document: Document, chunks: list[Chunk], vectors: np.ndarray | None = None) -> None:
        """Add the document or replace it, in one transaction.

        vectors: (len(chunks), dimension), normalized; left out where the store has all of them.
        """
        with self._db.transaction():
            if vectors is not None:
                self._add_vectors(chunks, vectors)
            change = self._next_change()
            old = self._contents_of(document.id)
            self._forget_chunks(document.id, change)
            content = self._add_text(document.text)
            unread = json.dumps(document.unread)
            values: list[str | int] = [document.id, document.source, document.title, document.digest, content, unread]
            self._db.execute(_ADD_DOCUMENT, values)
            self._db.executemany(_ADD_CHUNK, [(change, document.id, n, *_values(c)) for n, c in enumerate(chunks)])
            self._drop_unused_texts(old)

    def keep_folder(self, folder: Path) -> None:
        """Keep in mind that the index holds the documents of this folder."""
        known = self.folders
        if folder not in known:
            self._set_meta("folders", json.dumps([str(each) for each in (*known, folder)]))

    def remove(self, ids: list[str]) -> None:
        """Remove the documents, with every text that no other document has. Vectors follow when `writing` ends."""
        with self._db.transaction():
            note_left(self._db, ids)
            change = self._next_change()
            for id in ids:
                contents = self._contents_of(id)
                self._forget_chunks(id, change)
                self._db.execute("DELETE FROM documents WHERE id = ?", [id])
                self._drop_unused_texts(contents)

    def _next_change(self) -> int:
        self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'change'")
        return self.change

    def _contents_of(self, document: str) -> list[int]:
        return [row[0] for row in self._db.rows("SELECT content FROM documents WHERE id = ?", [document])]

    def _forget_chunks(self, document: str, change: int) -> None:
        vectors = self._db.rows("SELECT DISTINCT vector FROM chunks WHERE document = ?", [document])
        self._perhaps_unused.update(row[0] for row in vectors)
        self._db.execute("INSERT INTO removed SELECT id, change, ? FROM chunks WHERE document = ?", [change, document])
        self._db.execute("DELETE FROM chunks WHERE document = ?", [document])

    def _add_text(self, text: str) -> int:
        digest = text_digest(text)
        self._db.execute("INSERT OR IGNORE INTO contents (digest, text) VALUES (?, ?)", [digest, text])
        ((id,),) = self._db.rows("SELECT id FROM contents WHERE digest = ?", [digest])
        return int(id)

    def _drop_unused_texts(self, contents: list[int]) -> None:
        unused = (
            "DELETE FROM contents WHERE id = ? AND NOT EXISTS (SELECT 1 FROM documents WHERE content = contents.id)"
        )
        self._db.executemany(unused, [(content,) for content in contents])

    def _drop_unused_vectors(self) -> None:
        """Drop them only when a writer is done: another document may still be about to get the same text."""
        if self._perhaps_unused:
            with self._db.transaction():
                self._db.executemany(f"{_UNUSED_VECTORS} AND id = ?", [(id,) for id in self._perhaps_unused])
                self.staged.forget_unused()
            self._perhaps_unused.clear()

    def clean(self, seen: int) -> None:
        """Drop what is of no more use, and give back its room on the disk.

        These are vectors of documents that were never finished, and removals up to change number `seen`, which all
        search index files have seen.
        """
        with self._db.transaction():
            self._db.execute(_UNUSED_VECTORS)
            self.staged.forget_unused()
            self._db.execute("DELETE FROM removed WHERE change <= ?", [seen])
            self._set_meta("forgotten", str(seen))
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @staticmethod
    def destroy(folder: Path) -> None:
        """Delete the index in `folder`, and nothing else there."""
        _make_folder(folder)
        with writer_lock(folder):
            for pattern in (f"{STORE_FILE}*", "lexical-*.bin*", "dense-*.bin*"):
                # Sorted, so that the database goes before its log: SQLite ignores a log without one, not the reverse.
                for path in sorted(folder.glob(pattern)):
                    path.unlink(missing_ok=True)


def _values(chunk: Chunk) -> tuple[int, int, str, int | None, str, bytes]:
    """Return what is stored of a chunk beside its document and number."""
    cells = json.dumps([dataclasses.astuple(cell) for cell in chunk.cells], ensure_ascii=False)
    return chunk.start, chunk.end, json.dumps(chunk.headings), chunk.page, cells, vector_key(chunk)


def _rows(chunks: list[Chunk], vectors: np.ndarray) -> list[tuple[bytes, bytes, int]]:
    """Return the key, the vector and its checksum for each chunk."""
    blobs = [vector.astype(np.float16).tobytes() for vector in vectors]
    return [(vector_key(chunk), blob, zlib.crc32(blob)) for chunk, blob in zip(chunks, blobs, strict=True)]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} can't be made ({error}): name another with --index") from error
