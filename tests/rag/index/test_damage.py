"""What was damaged or altered on the disk is noticed: search index files are made again, the store says its damage."""

import os

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


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE chunks SET start = start + 1",
        "UPDATE chunks SET headings = '[\"Another\"]'",
        "UPDATE documents SET content = (SELECT max(id) FROM contents)",
    ],
)
def test_an_altered_chunk_is_never_shown(index, sql):
    alter(index, sql)
    with pytest.raises(StoreError, match="is damaged .a chunk is not what was stored.*--rebuild"):
        search(index)
    assert "is not what was stored" in DocumentStore(index, IDENTITY).damage()[0]


def test_an_altered_vector_is_noticed_when_it_is_read(index):
    alter(index, "UPDATE vectors SET vector = zeroblob(128) WHERE id = 7")
    assert DocumentStore(index, IDENTITY).damage() == ["vector 7 is not what was stored"]
    for path in index.glob("dense-*"):
        path.unlink()
    with pytest.raises(StoreError, match="a vector is not what was stored.*--rebuild"):
        search(index)
