"""Vectors of other embedders than the one that an index serves with: those that are being made for the next, and those of the one before, to go back to."""

from __future__ import annotations

from collections.abc import Iterable

from rag.index.database import Database

TABLE = """CREATE TABLE IF NOT EXISTS spare (
    changes TEXT NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (changes, key)) WITHOUT ROWID"""


class StagedVectors:
    """A table beside the record's vectors, with the same keys. changes: what tells one embedder from another, as of `Record.changes`."""

    def __init__(self, db: Database):
        self._db = db
        db.execute(TABLE)

    def lacking(self, delta: str) -> set[bytes]:
        """-> keys of the record's vectors that this embedder has not made yet."""
        sql = "SELECT key FROM vectors v WHERE NOT EXISTS (SELECT 1 FROM spare s WHERE s.changes = ? AND s.key = v.key)"
        return {key for (key,) in self._db.rows(sql, [delta])}

    def keep(self, delta: str, rows: Iterable[tuple[bytes, bytes, int]]) -> None:
        """rows: key, vector, checksum. Within the caller's transaction."""
        self._db.executemany("INSERT OR REPLACE INTO spare VALUES (?, ?, ?, ?)", [(delta, *row) for row in rows])

    def swap(self, before: str, after: str) -> None:
        """Put one embedder's vectors in the place of another's, which are kept. Within the caller's transaction."""
        self._db.execute("INSERT OR REPLACE INTO spare SELECT ?, key, vector, crc FROM vectors", [before])
        self._db.execute(
            "UPDATE vectors SET (vector, crc) = (SELECT vector, crc FROM spare s WHERE s.changes = ? AND s.key = vectors.key)",
            [after],
        )
        self._db.execute("DELETE FROM spare WHERE changes = ?", [after])

    def forget(self) -> None:
        """Drop vectors of texts that are in no document any more. Within the caller's transaction."""
        self._db.execute("DELETE FROM spare WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.key = spare.key)")
