"""An index made anew: what it held is remembered, and read again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from rag.core.errors import StoreError
from rag.documents.document import Document
from rag.index.database import Database
from rag.index.store import STORE_FILE
from rag.index.writer import StoreWriter


@dataclass(frozen=True)
class Remembered:
    """What an index holds: documents, id -> path of the file, and the folders that it was made from."""

    documents: dict[str, str] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    def by_folder(self) -> dict[Path, list[str]]:
        """Return the ids of each folder's documents; those of other files are with the folder that they are in."""
        found: dict[Path, list[str]] = {}
        for id, source in self.documents.items():
            path = Path(source)
            folder = next((folder for folder in self.folders if path.is_relative_to(folder)), path.parent)
            found.setdefault(folder, []).append(id)
        return found


def remember(index: Path) -> Remembered | None:
    """Return what an index of any version holds: nothing if there is none, None if it can't be read."""
    if not (index / STORE_FILE).exists():
        return Remembered()
    try:
        db = Database(index / STORE_FILE)
        documents = dict(db.rows("SELECT id, source FROM documents ORDER BY id"))
        row = db.execute("SELECT value FROM meta WHERE key = 'folders'").fetchone()
        db.close()
        folders = [Path(name) for name in json.loads(row[0])] if row else []
    except (StoreError, ValueError):
        return None
    held = Remembered(documents, folders).by_folder()
    return Remembered(documents, [folder for folder in folders if folder in held])


def make_anew(
    index: Path, identity: dict[str, str], delta: str, documents: dict[str, str], folders: list[Path]
) -> StoreWriter:
    """Delete the index and make an empty one that knows its documents by name, so that none is lost if this is stopped.

    documents: id -> path of the file. delta: as `DocumentStore.delta`.
    """
    StoreWriter.destroy(index)
    store = StoreWriter(index, identity, create=True, delta=delta)
    with store.writing():
        for id, source in documents.items():
            store.put(Document(id, source, "", "", (), ""), [])
        for folder in folders:
            store.keep_folder(folder)
    return store
