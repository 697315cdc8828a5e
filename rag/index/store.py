"""The record as readers see it: one SQLite file with documents, chunks and vectors. FAISS and BM25 are made from it and can always be made again."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.core.chunk import Chunk
from rag.core.errors import OutdatedIndexError, StoreError
from rag.index.database import Database

STORE_FILE = "store.sqlite"
VERSION = "2"
MANY = 500  # values bound in one statement
TEXTS = 64  # documents whose text a reader keeps
_CHUNK = "SELECT c.id, c.document, d.title, c.start, c.end, c.headings, c.page, d.content FROM chunks c JOIN documents d ON d.id = c.document"

_KEY = "SELECT c.id, v.key FROM chunks c JOIN vectors v ON v.id = c.vector"


@dataclass(frozen=True)
class ChunkChanges:
    """Chunk ids added and removed between two changes, ascending."""

    added: np.ndarray
    removed: np.ndarray


class DocumentStore:
    """Documents with their chunks and vectors. A chunk keeps its id while it lives, is never altered, and no id is given twice.

    `identity` (embedder digest, chunker) was written when the index was made and is checked whenever it is opened.
    """

    def __init__(self, folder: Path, identity: dict[str, str]):
        """Raises StoreError when there is no index, it is damaged, or it was made with another identity."""
        if not (folder / STORE_FILE).exists():
            raise StoreError(f"there is no index in {folder}: make index")
        self._open(folder, identity, Database(folder / STORE_FILE))

    def _open(self, folder: Path, identity: dict[str, str], db: Database) -> None:
        self.folder, self._db = folder, db
        self._texts: dict[int, str] = {}
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            raise StoreError(f"the index in {folder} is not finished: make index")
        version = self._meta("version")
        if version != VERSION:
            raise OutdatedIndexError(
                f"the index is of version {version or 1}, not {VERSION}: rag index FOLDER --rebuild"
            )
        stored = json.loads(self._meta("identity"))
        for key in identity:
            if stored.get(key) != identity[key]:
                raise OutdatedIndexError(
                    f"the index was made with {key} {stored.get(key)}, not {identity[key]}: rag index FOLDER --rebuild"
                )

    @property
    def name(self) -> str:
        """A name that no other index has."""
        return self._meta("name")

    @property
    def delta(self) -> str:
        """What training changed in the embedder that made the vectors, as of `rag.models.weight_delta.delta_name`; "" for nothing."""
        return json.loads(self._meta("identity")).get("changes", "")

    def _meta(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return row[0] if row else ""

    @property
    def change(self) -> int:
        """Number of changes committed so far; what is derived from the record is stamped with it."""
        return int(self._meta("change"))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Inside, everything read is of one state, whatever other processes commit; also within another such block."""
        with nullcontext() if self._db.in_transaction else self._db.transaction("DEFERRED"):
            yield

    def documents(self) -> dict[str, tuple[str, str]]:
        """-> document id: its file's path, and the SHA-256 of that file as it was indexed."""
        return {
            id: (source, digest)
            for id, source, digest in self._db.rows("SELECT id, source, digest FROM documents ORDER BY id")
        }

    def counts(self) -> dict[str, int]:
        """-> document id: number of its chunks."""
        return dict(
            self._db.rows(
                "SELECT d.id, COUNT(c.id) FROM documents d LEFT JOIN chunks c ON c.document = d.id GROUP BY d.id ORDER BY d.id"
            )
        )

    def text(self, id: str) -> str:
        """-> the document's text, to which all spans refer."""
        with self.reading():
            row = self._db.execute("SELECT content FROM documents WHERE id = ?", [id]).fetchone()
            if row is None:
                raise StoreError(f"no document {id} in the index")
            return self._text(row[0])

    def _text(self, content: int) -> str:
        if content not in self._texts:
            digest, text = self._db.execute("SELECT digest, text FROM contents WHERE id = ?", [content]).fetchone()
            if text_digest(text) != digest:
                raise self._damaged("a document's text")
            while len(self._texts) >= TEXTS:
                del self._texts[next(iter(self._texts))]
            self._texts[content] = text
        return self._texts[content]

    def _damaged(self, what: str) -> StoreError:
        return StoreError(
            f"{self.folder / STORE_FILE} is damaged ({what} is not what was stored): rag index FOLDER --rebuild"
        )

    def since(self, change: int) -> ChunkChanges | None:
        """-> the chunks that came and went after a change number; None when removals of that time are forgotten: begin anew from 0."""
        if 0 < change < int(self._meta("forgotten")):
            return None
        added = np.fromiter(
            (row[0] for row in self._db.rows("SELECT id FROM chunks WHERE change > ? ORDER BY id", [change])), np.int64
        )
        gone = self._db.rows(
            "SELECT chunk FROM removed WHERE change > ? AND added <= ? ORDER BY chunk", [change, change]
        )
        return ChunkChanges(added, np.fromiter((row[0] for row in gone), np.int64))

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """-> float16 (len(ids), dimension), of ascending ids. Raises StoreError when one is damaged."""
        found = []
        for some in _pieces(ids):
            sql = f"SELECT v.vector, v.crc FROM chunks c JOIN vectors v ON v.id = c.vector WHERE c.id IN ({placeholders(some)}) ORDER BY c.id"
            for vector, crc in self._db.rows(sql, some):
                if zlib.crc32(vector) != crc:
                    raise self._damaged("a vector")
                found.append(vector)
        return (
            np.frombuffer(b"".join(found), np.float16).reshape(len(ids), -1) if found else np.zeros((0, 0), np.float16)
        )

    def search_texts(self, ids: np.ndarray) -> Iterator[str]:
        """-> what the lexical index reads of each chunk, of ascending ids."""
        for some in _pieces(ids):
            yield from (
                chunk.search_text
                for _, chunk in self._chunks(f"{_CHUNK} WHERE c.id IN ({placeholders(some)}) ORDER BY c.id", some)
            )

    def places(self, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """-> chunk id: its document and its place among that document's chunks. Those that are gone are left out."""
        found = {}
        for some in _pieces(ids):
            found.update(
                {
                    id: (d, n)
                    for id, d, n in self._db.rows(
                        f"SELECT id, document, ordinal FROM chunks WHERE id IN ({placeholders(some)})", some
                    )
                }
            )
        return found

    def chunks(self, ids: Iterable[int]) -> dict[int, Chunk]:
        """-> chunk id: the chunk. Those that are gone are left out. Raises StoreError when one is damaged."""
        found = {
            id: chunk
            for some in _pieces(ids)
            for id, chunk in self._chunks(f"{_CHUNK} WHERE c.id IN ({placeholders(some)})", some)
        }
        for some in _pieces(found):
            for id, key in self._db.rows(f"{_KEY} WHERE c.id IN ({placeholders(some)})", some):
                if id in found and key != vector_key(found[id]):
                    raise self._damaged("a chunk")
        return found

    def all_chunks(self) -> list[Chunk]:
        """-> all chunks ordered by document and place, whatever order they came in."""
        return [chunk for _, chunk in self._chunks(f"{_CHUNK} ORDER BY c.document, c.ordinal", [])]

    def _chunks(self, sql: str, values: list[int]) -> Iterator[tuple[int, Chunk]]:
        for id, document, title, start, end, headings, page, content in self._db.rows(sql, values):
            yield (
                id,
                Chunk(document, title, start, end, self._text(content)[start:end], tuple(json.loads(headings)), page),
            )

    def size(self) -> dict[str, int]:
        """-> how many documents, chunks, texts and vectors there are, and removals that are still remembered."""
        tables = {
            "documents": "documents",
            "chunks": "chunks",
            "texts": "contents",
            "vectors": "vectors",
            "removals remembered": "removed",
        }
        return {name: self._db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for name, table in tables.items()}

    def damage(self) -> list[str]:
        """-> what is wrong with the record, found by reading all of it."""
        found = [row[0] for row in self._db.rows("PRAGMA quick_check(5)") if row[0] != "ok"]
        texts = self._db.rows("SELECT id, digest, text FROM contents")
        found += [f"text {id} is not what was stored" for id, digest, text in texts if text_digest(text) != digest]
        vectors = self._db.rows("SELECT id, vector, crc FROM vectors")
        found += [f"vector {id} is not what was stored" for id, vector, crc in vectors if zlib.crc32(vector) != crc]
        found += [
            f"row {row} of {table} refers to nothing" for table, row, *_ in self._db.rows("PRAGMA foreign_key_check")
        ]
        return found or self._damaged_chunks()

    def _damaged_chunks(self) -> list[str]:
        keys = dict(self._db.rows(_KEY))
        chunks = self._chunks(f"{_CHUNK} ORDER BY c.document, c.ordinal", [])
        return [
            f"a chunk of {chunk.document} is not what was stored"
            for id, chunk in chunks
            if vector_key(chunk) != keys[id]
        ]

    def close(self) -> None:
        self._db.close()


def vector_key(chunk: Chunk) -> bytes:
    """What chunks share that need one vector between them; also what tells that a chunk is what was stored."""
    return hashlib.sha256(chunk.embedding_text.encode()).digest()[:16]


def text_digest(text: str) -> bytes:
    """-> SHA-256 of a document's text, by which the same text is stored once."""
    return hashlib.sha256(text.encode()).digest()


def placeholders(values: list) -> str:
    """-> as many SQL placeholders."""
    return ",".join("?" * len(values))


def _pieces(ids: Iterable[int]) -> Iterator[list[int]]:
    listed = [int(id) for id in ids]
    return (listed[at : at + MANY] for at in range(0, len(listed), MANY))
