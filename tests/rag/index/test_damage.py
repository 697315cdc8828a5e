"""What was damaged or altered on the disk is noticed: search index files are made again, the store says its damage."""

import os
import sqlite3

import pytest

from hash_embedder import HashEmbedder
from index_processes import IDENTITY
from rag.core.errors import StoreError
from rag.core.sections import RetrievalSettings
from rag.index.database import Database
from rag.index.indexing import IndexingSettings, sync
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever


@pytest.fixture
def index(tmp_path):
    """Return the folder of an index of thirty documents."""
    (tmp_path / "docs").mkdir()
    for n in range(30):
        text = f"The berth of number {n} is {n * 3} metres long and crane {n} lifts {n + 1} tonnes. " * 6
        (tmp_path / "docs" / f"{n:02}.md").write_text(f"# Document {n}\n\n{text}")
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    sync(store, HashEmbedder(), tmp_path / "docs", IndexingSettings())
    store.close()
    return tmp_path / "index"


def search(index, question="crane tonnes", k=None):
    return Retriever(DocumentStore(index, IDENTITY), HashEmbedder(), RetrievalSettings()).search(question, k)


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "one bit", "gone"])
@pytest.mark.parametrize("kind", ["lexical", "dense"])
def test_a_damaged_search_file_is_noticed_and_made_again(index, capsys, kind, damage):
    before = search(index, "crane 7 gate 3", 10)
    file = next(index.glob(f"{kind}-*"))
    data = file.read_bytes()
    middle = len(data) // 2
    one_bit = data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]
    damaged = {"truncated": data[:middle], "empty": b"", "garbage": b"\xff" * len(data), "one bit": one_bit}
    file.unlink() if damage == "gone" else file.write_bytes(damaged[damage])
    capsys.readouterr()
    assert search(index, "crane 7 gate 3", 10) == before
    assert damage == "gone" or f"{file}" in capsys.readouterr().err
    assert file.read_bytes() == data  # made again as it was


@pytest.mark.parametrize("damage", ["header", "middle", "truncated", "empty", "a folder"])
def test_damage_of_the_store_is_one_line(index, damage):
    file = index / "store.sqlite"
    for path in index.glob("store.sqlite-*"):
        path.unlink()
    data = file.read_bytes()
    middle = len(data) // 2
    damaged = {
        "header": b"x" * 100 + data[100:],
        "middle": data[:middle] + os.urandom(30_000) + data[middle + 30_000 :],
        "truncated": data[:middle],
        "empty": b"",
    }
    file.unlink()
    file.mkdir() if damage == "a folder" else file.write_bytes(damaged[damage])
    with pytest.raises(StoreError, match="rag index|make index|check the folder"):
        for what in DocumentStore(index, IDENTITY).damage():
            raise StoreError(f"{what}: rag index FOLDER --rebuild")


def alter(index, sql):
    """Change the store as another program might."""
    db = Database(index / "store.sqlite", write=True)
    db.execute(sql)
    db.close()


def test_altered_text_is_never_shown(index):
    alter(index, "UPDATE contents SET text = replace(text, 'tonnes', 'pounds')")
    with pytest.raises(StoreError, match="is damaged .a document's text is not what was stored.*--rebuild"):
        search(index)


ALTERED = """
UPDATE chunks SET headings = '["a' WHERE id = 3
UPDATE chunks SET cells = '[[1]]' WHERE id = 3
UPDATE chunks SET start = 'x' WHERE id = 3
UPDATE contents SET text = X'ff' WHERE id = 3
UPDATE vectors SET vector = NULL WHERE id = 3
UPDATE vectors SET vector = X'00', crc = 3523407757 WHERE id = 3
UPDATE documents SET source = X'2f61' WHERE id = '03.md'
UPDATE documents SET unread = '[' WHERE id = '03.md'
UPDATE meta SET value = '[' WHERE key = 'folders'
UPDATE meta SET value = CAST(X'7bff' AS TEXT) WHERE key = 'identity'
UPDATE meta SET value = 'many' WHERE key = 'forgotten'
"""


def test_a_row_of_another_type_or_form_is_damage_and_not_a_traceback(index):
    """As a bit that changes in the head of a row makes them; the file's own checks are told to look away."""
    good = (index / "store.sqlite").read_bytes()
    for sql in ALTERED.strip().splitlines():
        (index / "store.sqlite").write_bytes(good)
        for statement in (f"PRAGMA writable_schema=ON; {LOOSE}", sql):
            db = sqlite3.connect(index / "store.sqlite")
            db.executescript(statement)
            db.close()
        with pytest.raises(StoreError, match="damaged"):
            read_all(index)


LOOSE = "UPDATE sqlite_master SET sql = replace(sql, 'vector BLOB NOT NULL', 'vector BLOB');"


def read_all(index):
    store = DocumentStore(index, IDENTITY)
    try:
        store.damage()
        return (
            store.documents(),
            store.unread(),
            store.folders,
            store.all_chunks(),
            store.vectors(store.ids()),
            (store.changes_since(1)),
        )
    finally:
        store.close()


@pytest.mark.parametrize("name", ["/../../elsewhere", "", "0123abcd/x", "0123ABCD"])
def test_the_name_of_an_index_leads_nowhere_else(index, name):
    (index / "lexical-").mkdir()
    with sqlite3.connect(index / "store.sqlite") as db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'name'", [name])
    db.close()
    with pytest.raises(StoreError, match="its name"):
        search(index)
    assert not list(index.parent.glob("elsewhere*"))
