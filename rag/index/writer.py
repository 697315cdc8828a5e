"""The record as writers change it: one transaction a document, the same text and vector kept once."""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from rag.core.chunk import Chunk
from rag.core.errors import StoreError
from rag.documents.document import Document
from rag.index.database import Database
from rag.index.staged_vectors import StagedVectors
from rag.index.store import MANY, STORE_FILE, VERSION, DocumentStore, placeholders, text_digest, vector_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, title TEXT NOT NULL, digest TEXT NOT NULL, content INTEGER NOT NULL REFERENCES contents(id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, change INTEGER NOT NULL, document TEXT NOT NULL REFERENCES documents(id), ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, headings TEXT NOT NULL, page INTEGER, vector INTEGER NOT NULL REFERENCES vectors(id));
CREATE TABLE IF NOT EXISTS removed (chunk INTEGER PRIMARY KEY, added INTEGER NOT NULL, change INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_document ON chunks(document, ordinal);
CREATE INDEX IF NOT EXISTS chunks_change ON chunks(change);
CREATE INDEX IF NOT EXISTS chunks_vector ON chunks(vector);
CREATE INDEX IF NOT EXISTS documents_content ON documents(content);
"""
UNUSED_VECTORS = "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE vector = vectors.id)"


class StoreWriter(DocumentStore):
    """The record, open for writing."""

    def __init__(self, folder: Path, identity: dict[str, str], create: bool = False, delta: str = ""):
        """create: make the index if there is none, for the embedder with these changes. Raises StoreError as Record does, and when the folder can't be
        written."""
        if create:
            _make(folder)
        elif not (folder / STORE_FILE).exists():
            raise StoreError(f"there is no index in {folder}: make index")
        db = Database(folder / STORE_FILE, write=True)
        if create and not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            _initialize(db, {**identity, "changes": delta})
        self._how = (folder, identity, create, delta)
        self._open(folder, identity, db)

    def _open(self, folder: Path, identity: dict[str, str], db: Database) -> None:
        super()._open(folder, identity, db)
        self.spare = StagedVectors(db)
        self._perhaps_unused: set[int] = set()

    @contextmanager
    def writing(self, patience: float = -1) -> Iterator[None]:
        """Writers take turns: waits while another process holds the index. Raises StoreError after `patience` seconds (never if negative)."""
        with _turn(self.folder, patience):
            if (
                not self._db.is_current()
            ):  # another process rebuilt the index while this one waited: what it opened is no more
                self.close()
                StoreWriter.__init__(self, *self._how)
            yield
            self._drop_unused_vectors()

    def keep_vectors(self, chunks: list[Chunk], vectors: np.ndarray) -> None:
        """Keep vectors of a document that is not finished, so that a kill does not cost them. vectors: (len(chunks), dimension), normalized."""
        with self._db.transaction():
            self._add_vectors(chunks, vectors)

    def _add_vectors(self, chunks: list[Chunk], vectors: np.ndarray) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO vectors (key, vector, crc) VALUES (?, ?, ?)", _rows(chunks, vectors)
        )

    def keep_spare(self, delta: str, chunks: list[Chunk], vectors: np.ndarray) -> None:
        """Keep vectors of another embedder aside. vectors: as in keep_vectors."""
        with self._db.transaction():
            self.spare.keep(delta, _rows(chunks, vectors))

    def serve(self, delta: str) -> None:
        """Serve with the vectors kept aside for these changes, one for every text of the index, from the next opening on. The record gets another name, by
        which search files of the vectors before are told from its own."""
        with self._db.transaction():
            identity = json.loads(self._meta("identity"))
            self._db.execute(UNUSED_VECTORS)
            self.spare.swap(identity.get("changes", ""), delta)
            self._db.execute(
                "UPDATE meta SET value = ? WHERE key = 'identity'", [json.dumps({**identity, "changes": delta})]
            )
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'name'", [os.urandom(4).hex()])
            self._next_change()

    def without_vector(self, chunks: list[Chunk]) -> list[Chunk]:
        """-> those of the chunks whose text no vector is known of, each text once."""
        wanted = {vector_key(chunk): chunk for chunk in chunks}
        keys = list(wanted)
        for at in range(0, len(keys), MANY):
            some = keys[at : at + MANY]
            for (key,) in self._db.rows(f"SELECT key FROM vectors WHERE key IN ({placeholders(some)})", some):
                del wanted[key]
        return list(wanted.values())

    def put(self, document: Document, chunks: list[Chunk], vectors: np.ndarray | None = None) -> None:
        """Add the document or replace it. vectors: (len(chunks), dimension), normalized; left out where all are known already."""
        with self._db.transaction():
            if vectors is not None:
                self._add_vectors(chunks, vectors)
            change = self._next_change()
            old = self._db.execute("SELECT content FROM documents WHERE id = ?", [document.id]).fetchone()
            self._forget_chunks(document.id, change)
            content = self._content(document.text)
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET source = excluded.source, title = excluded.title, "
                "digest = excluded.digest, content = excluded.content",
                [document.id, document.source, document.title, document.digest, content],
            )
            self._db.executemany(
                "INSERT INTO chunks (change, document, ordinal, start, end, headings, page, vector) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT id FROM vectors WHERE key = ?))",
                [
                    (change, document.id, n, c.start, c.end, json.dumps(c.headings), c.page, vector_key(c))
                    for n, c in enumerate(chunks)
                ],
            )
            self._drop_unused_texts([old[0]] if old else [])

    def remove(self, ids: list[str]) -> None:
        """Take the documents out, with every text that no other document has; vectors follow when `writing` ends."""
        with self._db.transaction():
            change = self._next_change()
            for id in ids:
                contents = [row[0] for row in self._db.rows("SELECT content FROM documents WHERE id = ?", [id])]
                self._forget_chunks(id, change)
                self._db.execute("DELETE FROM documents WHERE id = ?", [id])
                self._drop_unused_texts(contents)

    def _next_change(self) -> int:
        self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'change'")
        return self.change

    def _forget_chunks(self, document: str, change: int) -> None:
        self._perhaps_unused.update(
            row[0] for row in self._db.rows("SELECT DISTINCT vector FROM chunks WHERE document = ?", [document])
        )
        self._db.execute("INSERT INTO removed SELECT id, change, ? FROM chunks WHERE document = ?", [change, document])
        self._db.execute("DELETE FROM chunks WHERE document = ?", [document])

    def _content(self, text: str) -> int:
        digest = text_digest(text)
        self._db.execute("INSERT OR IGNORE INTO contents (digest, text) VALUES (?, ?)", [digest, text])
        return self._db.execute("SELECT id FROM contents WHERE digest = ?", [digest]).fetchone()[0]

    def _drop_unused_texts(self, contents: list[int]) -> None:
        self._db.executemany(
            "DELETE FROM contents WHERE id = ? AND NOT EXISTS (SELECT 1 FROM documents WHERE content = contents.id)",
            [(c,) for c in contents],
        )

    def _drop_unused_vectors(self) -> None:
        """Only when a writer is done: a text that one document lost another may still be waiting for."""
        if self._perhaps_unused:
            with self._db.transaction():
                self._db.executemany(f"{UNUSED_VECTORS} AND id = ?", [(id,) for id in self._perhaps_unused])
                self.spare.forget()
            self._perhaps_unused.clear()

    def clean(self, caught_up: int) -> None:
        """Drop what is of no more use: vectors of documents that were never finished, removals that everything derived has seen (up to the change
        `caught_up`), and the room that they took."""
        with self._db.transaction():
            self._db.execute(UNUSED_VECTORS)
            self.spare.forget()
            self._db.execute("DELETE FROM removed WHERE change <= ?", [caught_up])
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'forgotten'", [str(caught_up)])
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @staticmethod
    def destroy(folder: Path) -> None:
        """Delete the index in `folder`, and nothing else there."""
        _make(folder)
        with _turn(folder, -1):
            for pattern in (f"{STORE_FILE}*", "lexical-*.bin*", "dense-*.bin*"):
                for path in sorted(
                    folder.glob(pattern)
                ):  # the database before its log: SQLite ignores a log without one, not the reverse
                    path.unlink(missing_ok=True)


def _rows(chunks: list[Chunk], vectors: np.ndarray) -> list[tuple[bytes, bytes, int]]:
    """-> of each chunk the key, the vector and its checksum."""
    blobs = [vector.astype(np.float16).tobytes() for vector in vectors]
    return [(vector_key(chunk), blob, zlib.crc32(blob)) for chunk, blob in zip(chunks, blobs, strict=True)]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} can't be made ({error}): name another with --index") from error


@contextmanager
def _turn(folder: Path, patience: float) -> Iterator[None]:
    lock = FileLock(folder / ".lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print("another process is writing this index; waiting for it", file=sys.stderr, flush=True)
            lock.acquire(timeout=patience)
    except Timeout as error:
        raise StoreError(
            f"another process is still writing the index in {folder}: wait for it and run the command again"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{folder} can't be written ({error}): check its permissions, or name another with --index"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _initialize(db: Database, identity: dict[str, str]) -> None:
    """In one transaction: a killed process leaves all of it or an empty file, which the next one fills."""
    db.executescript(f"BEGIN IMMEDIATE; {SCHEMA}")
    first = [
        ("version", VERSION),
        ("change", "0"),
        ("forgotten", "0"),
        ("name", os.urandom(4).hex()),
        ("identity", json.dumps(identity)),
    ]
    db.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", first)
    db.execute("COMMIT")
