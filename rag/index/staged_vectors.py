"""Vectors of other embedders than the one that an index serves with.

They are made for the next embedder while readers go on, and kept of the former one so that going back costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from rag.index.database import Database

TABLE = """CREATE TABLE IF NOT EXISTS spare (
    changes TEXT NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (changes, key)
) WITHOUT ROWID"""


class StagedVectors:
    """A table beside the store's vectors, with the same keys.

    An embedder is named by its weight delta, as in `DocumentStore.delta`. Every method but `lacking` runs within the
    caller's transaction.
    """

    def __init__(self, db: Database):
        self._db = db
        db.execute(TABLE)

    def lacking(self, delta: str) -> set[bytes]:
        """Return the keys of the store's vectors that this embedder has not made yet."""
        staged = "SELECT 1 FROM spare s WHERE s.changes = ? AND s.key = v.key"
        return {key for (key,) in self._db.rows(f"SELECT key FROM vectors v WHERE NOT EXISTS ({staged})", [delta])}

    def keep(self, delta: str, rows: Iterable[tuple[bytes, bytes, int]]) -> None:
        """Keep an embedder's vectors. rows: key, vector and checksum of each."""
        self._db.executemany("INSERT OR REPLACE INTO spare VALUES (?, ?, ?, ?)", [(delta, *row) for row in rows])

    def swap(self, before: str, after: str) -> None:
        """Put the vectors of the embedder `after` in the place of those of `before`, which are kept."""
        self._db.execute("INSERT OR REPLACE INTO spare SELECT ?, key, vector, crc FROM vectors", [before])
        staged = "SELECT vector, crc FROM spare s WHERE s.changes = ? AND s.key = vectors.key"
        self._db.execute(f"UPDATE vectors SET (vector, crc) = ({staged})", [after])
        self._db.execute("DELETE FROM spare WHERE changes = ?", [after])

    def forget_unused(self) -> None:
        """Drop the vectors of texts that no document has any more."""
        self._db.execute("DELETE FROM spare WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.key = spare.key)")
