"""The record: one SQLite file with documents, chunks and vectors. FAISS and BM25 are made from it and can always be made again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rag.chunking import Chunk
from rag.documents import Document
from rag.errors import StoreError

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, source TEXT NOT NULL, title TEXT NOT NULL, digest TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chunks (
    document TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, headings TEXT NOT NULL, page INTEGER, vector BLOB NOT NULL,
    PRIMARY KEY (document, ordinal)) WITHOUT ROWID;
"""


class Store:
    """Documents with their chunks and vectors, one transaction a document.

    `identity` (embedder digest, chunker) is written when the store is made and checked whenever it is opened.
    """

    def __init__(self, folder: Path, identity: dict[str, str], create: bool = False):
        """Raises StoreError when there is no index, it is damaged, or it was made with another identity."""
        self.folder = folder
        path = folder / "store.sqlite"
        if not create and not path.exists():
            raise StoreError(f"there is no index in {folder}: make index")
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            self._db.execute("PRAGMA foreign_keys=ON")
            if create:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.executescript(SCHEMA)
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('identity', ?), ('change', '0')", [json.dumps(identity)])
            self._check(identity)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{path} can't be read ({error}): rag index --rebuild") from error

    def _check(self, identity: dict[str, str]) -> None:
        stored = json.loads(self._meta("identity"))
        for key in identity:
            if stored.get(key) != identity[key]:
                raise StoreError(f"the index was made with {key} {stored.get(key)}, not {identity[key]}: rag index --rebuild")

    def _meta(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        if row is None:
            raise StoreError(f"the index in {self.folder} is not finished: make index")
        return row[0]

    @property
    def change(self) -> int:
        """Number of changes committed so far; what is derived from the store is stamped with it."""
        return int(self._meta("change"))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'change'")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def put(self, document: Document, chunks: list[Chunk], vectors: np.ndarray) -> None:
        """Add the document or replace it. vectors: float32, (len(chunks), dimension), normalized."""
        rows = [
            (document.id, n, c.start, c.end, json.dumps(c.headings), c.page, v.astype(np.float32).tobytes())
            for n, (c, v) in enumerate(zip(chunks, vectors, strict=True))
        ]
        with self._transaction():
            self._db.execute("DELETE FROM documents WHERE id = ?", [document.id])
            self._db.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", [document.id, document.source, document.title, document.digest, document.text])
            self._db.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def remove(self, ids: list[str]) -> None:
        with self._transaction():
            self._db.executemany("DELETE FROM documents WHERE id = ?", [(id,) for id in ids])

    def documents(self) -> dict[str, tuple[str, str]]:
        """-> document id: its file's path, and the SHA-256 of that file as it was indexed."""
        return {id: (source, digest) for id, source, digest in self._db.execute("SELECT id, source, digest FROM documents ORDER BY id")}

    def text(self, id: str) -> str:
        """-> the document's text, to which all spans refer."""
        row = self._db.execute("SELECT text FROM documents WHERE id = ?", [id]).fetchone()
        if row is None:
            raise StoreError(f"no document {id} in the index")
        return row[0]

    def load(self) -> tuple[list[Chunk], np.ndarray, int]:
        """-> all chunks ordered by document and place, whatever order they came in; their vectors; the change number."""
        self._db.execute("BEGIN")
        try:
            change = self.change
            texts = {id: (title, text) for id, title, text in self._db.execute("SELECT id, title, text FROM documents")}
            rows = self._db.execute("SELECT document, start, end, headings, page, vector FROM chunks ORDER BY document, ordinal").fetchall()
        finally:
            self._db.execute("COMMIT")
        chunks = []
        for document, start, end, headings, page, _ in rows:
            title, text = texts[document]
            chunks.append(Chunk(document, title, start, end, text[start:end], tuple(json.loads(headings)), page))
        vectors = np.frombuffer(b"".join(row[5] for row in rows), dtype=np.float32)
        return chunks, vectors.reshape(len(rows), -1) if rows else np.zeros((0, 0), np.float32), change

    @staticmethod
    def destroy(folder: Path) -> None:
        """Delete the index in `folder`, and nothing else there."""
        for pattern in ("store.sqlite*", "dense-*"):
            for path in folder.glob(pattern):
                path.unlink()

    def close(self) -> None:
        self._db.close()
