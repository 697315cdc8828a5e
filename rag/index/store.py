"""The document store as readers see it: one SQLite file with documents, chunks and vectors.

The search indexes (FAISS and BM25) are made from it, and can be made again at any time.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.core.chunk import Chunk
from rag.core.errors import OutdatedIndexError, StoreError
from rag.core.table_cell import TableCell
from rag.documents.identity import explain_difference
from rag.index.database import Database, batches, placeholders
from rag.models.registry import INDEX

STORE_FILE = "store.sqlite"
VERSION = "3"
AWAITED = ("", "")  # source and digest of a document that is not there; a digest "" is that of one not read yet
NOT_AS_STORED = (ValueError, TypeError, LookupError, AttributeError, OverflowError)  # of a value of another type
CACHED_TEXTS = 64  # documents whose text a reader keeps in memory
_CHUNK = (
    "SELECT c.id, c.document, d.title, c.start, c.end, c.headings, c.page, c.cells, d.content "
    "FROM chunks c JOIN documents d ON d.id = c.document"
)
_KEY = "SELECT c.id, v.key FROM chunks c JOIN vectors v ON v.id = c.vector"


@dataclass(frozen=True)
class ChunkChanges:
    """Ids of the chunks added and removed since a change number, ascending."""

    added: np.ndarray
    removed: np.ndarray


class DocumentStore:
    """Documents with their chunks and vectors, open for reading.

    A chunk keeps its id as long as it is in the store and is never altered; no id is given twice. The identity
    (embedder digest, chunker) was written when the index was made, and is checked whenever it is opened.
    """

    def __init__(self, folder: Path, identity: dict[str, str]):
        """Open the index in `folder`.

        Raises StoreError when there is none or it is damaged, OutdatedIndexError when it has another identity.
        """
        if not (folder / STORE_FILE).exists():
            raise StoreError(f"there is no index in {folder}: make index, or rag --index {folder} index FOLDER")
        self._open(folder, identity, Database(folder / STORE_FILE))

    def _open(self, folder: Path, identity: dict[str, str], db: Database) -> None:
        self.folder, self._db = folder, db
        self._texts: dict[int, str] = {}
        if not db.one("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            raise StoreError(f"the index in {folder} is not finished: make index")
        version = self._meta("version")
        if version != VERSION:
            made = f"the index in {folder} was made by another version of this program ({version or 1}, not {VERSION})"
            raise OutdatedIndexError(f"{made}: {rag_command(folder, 'index', '--rebuild')}")
        stored = self._identity()
        for key, wanted in identity.items():
            if stored.get(key) != wanted:
                difference = explain_difference(key, str(stored.get(key)), wanted)
                raise OutdatedIndexError(
                    f"the index in {folder} was made {difference}: {rag_command(folder, 'index', '--rebuild')}"
                )

    @property
    def name(self) -> str:
        """A name that no other index has, nor this one after its vectors were exchanged.

        Files are called by it, so it can lead nowhere: it has hexadecimal digits alone.
        """
        name = self._meta("name")
        if not re.fullmatch("[0-9a-f]{8}", name):
            raise self._damaged("its name")
        return name

    @property
    def delta(self) -> str:
        """The name of the weight delta of the embedder that made the vectors; "" for none."""
        return str(self._identity().get("changes", ""))

    def _identity(self) -> dict[str, Any]:
        with self._damage_of("its identity"):
            return dict(json.loads(self._meta("identity")))

    @property
    def change(self) -> int:
        """The number of changes committed so far, with which everything made from the store is stamped."""
        return self._number("change")

    def _number(self, key: str) -> int:
        with self._damage_of(f"the number {key!r}"):
            return int(self._meta(key))

    def _meta(self, key: str) -> str:
        row = self._db.one("SELECT value FROM meta WHERE key = ?", [key])
        return row[0] if row else ""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read one state inside, whatever other processes commit. Blocks may be nested."""
        with nullcontext() if self._db.in_transaction else self._db.transaction("DEFERRED"):
            yield

    def documents(self) -> dict[str, tuple[str, str]]:
        """Return for each document id the path of its file, and the SHA-256 of the file as it was indexed."""
        rows = self._db.rows("SELECT id, source, digest FROM documents ORDER BY id")
        found = {id: (source, digest) for id, source, digest in rows}
        if not all(isinstance(each, str) for id, values in found.items() for each in (id, *values)):
            raise self._damaged("a document's name")
        return found

    @property
    def folders(self) -> list[Path]:
        """The folders whose documents the index was told to hold, in that order, as far as it has any of them."""
        sources = [Path(source) for source, _ in self.documents().values()]
        with self._damage_of("the list of its folders"):
            named = [Path(name) for name in json.loads(self._meta("folders") or "[]")]
        return [folder for folder in named if any(source.is_relative_to(folder) for source in sources)]

    def chunk_counts(self) -> dict[str, int]:
        """Return for each document id the number of its chunks."""
        counted = "SELECT d.id, COUNT(c.id) FROM documents d LEFT JOIN chunks c ON c.document = d.id"
        return dict(self._db.rows(f"{counted} GROUP BY d.id ORDER BY d.id"))

    def unread(self) -> dict[str, tuple[str, ...]]:
        """Return for each document that was read in part the lines that name what could not be read."""
        rows = self._db.rows("SELECT id, unread FROM documents WHERE unread != '[]' ORDER BY id")
        with self._damage_of("what a document's reading left out"):
            return {id: tuple(json.loads(lines)) for id, lines in rows}

    def text(self, id: str) -> str:
        """Return a document's text, to which all spans refer. Raises StoreError when there is no such document."""
        with self.reading():
            row = self._db.one("SELECT content FROM documents WHERE id = ?", [id])
            if row is None:
                raise StoreError(f"no document {id} in the index")
            return self._text(row[0])

    def _text(self, content: int) -> str:
        if content not in self._texts:
            row = self._db.one("SELECT digest, text FROM contents WHERE id = ?", [content])
            if row is None or not isinstance(text := row[1], str) or text_digest(text) != row[0]:
                raise self._damaged("a document's text")
            while len(self._texts) >= CACHED_TEXTS:
                del self._texts[next(iter(self._texts))]
            self._texts[content] = text
        return self._texts[content]

    def _damaged(self, what: str) -> StoreError:
        damage = f"{self.folder / STORE_FILE} is damaged ({what} is not what was stored)"
        return StoreError(f"{damage}: rag index FOLDER --rebuild")

    @contextmanager
    def _damage_of(self, what: str) -> Iterator[None]:
        """Raise StoreError where something is of another type or form than what was stored."""
        try:
            yield
        except NOT_AS_STORED as error:
            raise self._damaged(what) from error

    def changes_since(self, change: int) -> ChunkChanges | None:
        """Return the chunks that were added and removed after a change number.

        Returns None when the removals of that time are no longer remembered: read all chunks instead.
        """
        if 0 < change < self._number("forgotten"):
            return None
        gone = self._db.rows(
            "SELECT chunk FROM removed WHERE change > ? AND added <= ? ORDER BY chunk", [change, change]
        )
        return ChunkChanges(self._ids_after(change), np.fromiter((row[0] for row in gone), np.int64))

    def ids(self) -> np.ndarray:
        """Return the ids of all chunks, int64, ascending."""
        return self._ids_after(0)

    def _ids_after(self, change: int) -> np.ndarray:
        rows = self._db.rows("SELECT id FROM chunks WHERE change > ? ORDER BY id", [change])
        return np.fromiter((row[0] for row in rows), np.int64)

    def ids_of(self, documents: Iterable[str]) -> np.ndarray:
        """Return the ids of the chunks of these documents, int64, ascending."""
        found: list[int] = []
        for some in batches(documents):
            sql = f"SELECT id FROM chunks WHERE document IN ({placeholders(some)})"
            found += [row[0] for row in self._db.rows(sql, some)]
        return np.array(sorted(found), np.int64)

    def ids_with_cells(self) -> np.ndarray:
        """Return the ids of the chunks that hold cells of tables, int64, ascending."""
        rows = self._db.rows("SELECT id FROM chunks WHERE cells != '[]' ORDER BY id")
        return np.fromiter((row[0] for row in rows), np.int64)

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """Return the vectors of ascending chunk ids: float16 (len(ids), dimension). Raises StoreError on damage."""
        found: list[bytes] = []
        vector_of = "SELECT v.vector, v.crc FROM chunks c JOIN vectors v ON v.id = c.vector"
        for some in _batches(ids):
            sql = f"{vector_of} WHERE c.id IN ({placeholders(some)}) ORDER BY c.id"
            for vector, crc in self._db.rows(sql, some):
                if not isinstance(vector, bytes) or zlib.crc32(vector) != crc:
                    raise self._damaged("a vector")
                found.append(vector)
        if len(found) != len(ids) or len(set(map(len, found))) > 1:
            raise self._damaged("the number of vectors, or of their dimensions")
        whole = np.frombuffer(b"".join(found), np.float16)
        return whole.reshape(len(ids), -1) if found else np.zeros((0, 0), np.float16)

    def search_texts(self, ids: np.ndarray) -> Iterator[str]:
        """Yield what the lexical index reads of each chunk, of ascending ids."""
        for some in _batches(ids):
            rows = self._chunks(f"{_CHUNK} WHERE c.id IN ({placeholders(some)}) ORDER BY c.id", some)
            yield from (chunk.search_text for _, chunk in rows)

    def positions(self, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return for each chunk id its document and its number there. Chunks that were removed are left out."""
        found = {}
        for some in _batches(ids):
            sql = f"SELECT id, document, ordinal FROM chunks WHERE id IN ({placeholders(some)})"
            found.update({id: (document, ordinal) for id, document, ordinal in self._db.rows(sql, some)})
        return found

    def chunks(self, ids: Iterable[int]) -> dict[int, Chunk]:
        """Return the chunks by their ids. Removed ones are left out. Raises StoreError when one is damaged."""
        found: dict[int, Chunk] = {}
        for some in _batches(ids):
            found.update(self._chunks(f"{_CHUNK} WHERE c.id IN ({placeholders(some)})", some))
        for some in _batches(found):
            for id, key in self._db.rows(f"{_KEY} WHERE c.id IN ({placeholders(some)})", some):
                if id in found and key != vector_key(found[id]):
                    raise self._damaged("a chunk")
        return found

    def all_chunks(self) -> list[Chunk]:
        """Return all chunks, ordered by document and by position in it, whatever order they were added in."""
        return [chunk for _, chunk in self._chunks(f"{_CHUNK} ORDER BY c.document, c.ordinal", [])]

    def chunks_of(self, document: str) -> list[Chunk]:
        """Return the chunks of a document in their order."""
        sql = f"{_CHUNK} WHERE c.document = ? ORDER BY c.ordinal"
        return [chunk for _, chunk in self._chunks(sql, [document])]

    def _chunks(self, sql: str, values: Sequence[int | str]) -> Iterator[tuple[int, Chunk]]:
        for id, document, title, start, end, headings, page, cells, content in self._db.rows(sql, values):
            with self._damage_of("a chunk"):
                text, path = self._text(content)[start:end], tuple(json.loads(headings))
                of_tables = tuple(TableCell(*cell) for cell in json.loads(cells))
                chunk = Chunk(document, title, start, end, text, path, page, of_tables)
            yield id, chunk

    def size(self) -> dict[str, int]:
        """Return how many documents, chunks, texts and vectors there are, and how many removals are remembered."""
        names = ("documents", "chunks", "texts", "vectors", "removals remembered")
        tables = ("documents", "chunks", "contents", "vectors", "removed")
        return {name: self._count(table) for name, table in zip(names, tables, strict=True)}

    def _count(self, table: str) -> int:
        return sum(count for (count,) in self._db.rows(f"SELECT COUNT(*) FROM {table}"))

    def damage(self) -> list[str]:
        """Read the whole store and return what is wrong with it, one line each."""
        try:
            return self._damage()
        except StoreError as error:
            return [str(error)]
        except NOT_AS_STORED as error:
            return [f"a row is not what was stored ({type(error).__name__})"]

    def _damage(self) -> list[str]:
        found = [row[0] for row in self._db.rows("PRAGMA quick_check(5)") if row[0] != "ok"]
        texts = self._db.rows("SELECT id, digest, text FROM contents")
        found += [f"text {id} is not what was stored" for id, digest, text in texts if text_digest(text) != digest]
        vectors = self._db.rows("SELECT id, vector, crc FROM vectors")
        found += [f"vector {id} is not what was stored" for id, vector, crc in vectors if zlib.crc32(vector) != crc]
        loose = self._db.rows("PRAGMA foreign_key_check")
        found += [f"row {row} of {table} refers to nothing" for table, row, *_ in loose]
        return found or self._damaged_chunks()

    def _damaged_chunks(self) -> list[str]:
        keys = dict(self._db.rows(_KEY))
        chunks = self._chunks(f"{_CHUNK} ORDER BY c.document, c.ordinal", [])
        damaged = [chunk for id, chunk in chunks if vector_key(chunk) != keys[id]]
        return [f"a chunk of {chunk.document} is not what was stored" for chunk in damaged]

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def rag_command(index: Path, *words: str | Path) -> str:
    """Return the `rag` command that one types for this index."""
    named = [] if index == INDEX else ["--index", index]
    return shlex.join(map(str, ("rag", *named, *words)))


def vector_key(chunk: Chunk) -> bytes:
    """Return a digest of what the embedder reads of a chunk. Chunks with one key share one vector."""
    return hashlib.sha256(chunk.embedding_text.encode()).digest()[:16]


def text_digest(text: str) -> bytes:
    """Return the SHA-256 of a document's text, by which the same text is stored once."""
    return hashlib.sha256(text.encode()).digest()


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    return batches(int(id) for id in ids)  # SQLite takes no NumPy integers
