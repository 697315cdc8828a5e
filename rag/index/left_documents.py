"""The documents that have left an index, kept in it until what others hold of them is gone, too.

They are noted in the transaction that removes them, so that no kill between the two leaves anything behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from rag.core.errors import StoreError
from rag.index.database import Database
from rag.index.store import STORE_FILE

KEY = "left"  # of the table meta
_NOTE = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


def note_left(db: Database, ids: Iterable[str]) -> None:
    """Note that documents leave. Call it inside the transaction that removes them."""
    _keep(db, sorted({*_noted(db), *ids}))


def left_documents(index: Path) -> list[str]:
    """Return the documents that have left the index and may still have traces elsewhere; none where there is no index.

    An index that can't be read has none to tell; opening it says what is wrong.
    """
    if not (index / STORE_FILE).exists():
        return []
    try:
        db = Database(index / STORE_FILE)
        try:
            return _noted(db)
        finally:
            db.close()
    except StoreError:
        return []


def clear_left(index: Path, ids: Iterable[str]) -> None:
    """Note that nothing is left of these documents anywhere."""
    gone = set(ids)
    if not gone.intersection(left_documents(index)):
        return
    db = Database(index / STORE_FILE, write=True)
    try:
        with db.transaction():
            _keep(db, [id for id in _noted(db) if id not in gone])
    finally:
        db.close()


def _noted(db: Database) -> list[str]:
    row = db.one("SELECT value FROM meta WHERE key = ?", [KEY])
    try:
        return list(map(str, json.loads(row[0]))) if row else []
    except ValueError as error:
        raise StoreError(f"{db.path} is damaged (what has left is no list): rag index FOLDER --rebuild") from error


def _keep(db: Database, ids: list[str]) -> None:
    db.execute(_NOTE, [KEY, json.dumps(ids, ensure_ascii=False)])
