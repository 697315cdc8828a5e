"""An index made anew: what it held is remembered, and read again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from rag.core.errors import StoreError
from rag.core.jsonl import write_json
from rag.documents.document import Document
from rag.index.database import Database
from rag.index.left_documents import left_documents
from rag.index.store import STORE_FILE
from rag.index.writer import StoreWriter

ASIDE = "rebuilding.json"  # what the index held, while there is no store that knows it


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
    """Return what an index of any version holds: nothing if there is none, None if it can't be read.

    Where a rebuild was stopped before it had its store, that is also what the index held before.
    """
    if is_stopped(index):
        aside, now = _set_aside(index)[0], _read(index) or Remembered()
        return Remembered(aside.documents | now.documents, list(dict.fromkeys(aside.folders + now.folders)))
    return _read(index)


def _read(index: Path) -> Remembered | None:
    if not (index / STORE_FILE).exists():
        return Remembered()
    try:
        db = Database(index / STORE_FILE)
        documents = dict(db.rows("SELECT id, source FROM documents ORDER BY id"))
        row = db.one("SELECT value FROM meta WHERE key = 'folders'")
        db.close()
        folders = [Path(name) for name in json.loads(row[0])] if row else []
    except (StoreError, ValueError, TypeError):
        return None
    held = Remembered(documents, folders).by_folder()
    return Remembered(documents, [folder for folder in folders if folder in held])


def make_anew(
    index: Path, identity: dict[str, str], delta: str, documents: dict[str, str], folders: list[Path]
) -> StoreWriter:
    """Delete the index and make an empty one that knows its documents by name, so that none is lost if this is stopped.

    documents: id -> path of the file. delta: as `DocumentStore.delta`. The other documents have left the index.
    """
    held = remember(index) or Remembered()
    left = _set_aside(index)[1] if is_stopped(index) else left_documents(index)
    names = {"documents": held.documents, "folders": list(map(str, held.folders)), "left": left}
    write_json(index / ASIDE, names)
    StoreWriter.destroy(index)
    store = StoreWriter(index, identity, create=True, delta=delta)
    with store.writing():
        for id, source in documents.items():
            store.put(Document(id, source, "", "", (), ""), [])
        for folder in folders:
            store.keep_folder(folder)
        store.remove(sorted({*left, *held.documents} - documents.keys()))
    (index / ASIDE).unlink()
    return store


def is_stopped(index: Path) -> bool:
    """Tell whether a rebuild of the index was stopped before it had its store: it has to be done again."""
    return (index / ASIDE).exists()


def _set_aside(index: Path) -> tuple[Remembered, list[str]]:
    """Return what a rebuild that was stopped had set aside: what the index held, and which documents had left it."""
    path = index / ASIDE
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
        documents = {str(id): str(source) for id, source in names["documents"].items()}
        return Remembered(documents, [Path(name) for name in names["folders"]]), list(map(str, names["left"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} can't be read ({error}): delete it, and rag index FOLDER --rebuild") from error
