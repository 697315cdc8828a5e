import dataclasses
import signal

import numpy as np
import pytest

from fakes import document, put
from index_processes import IDENTITY, exit_codes, start
from killed_indexing import die_in_third_document
from rag.core.errors import StoreError
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.index.indexing import IndexingSettings, ingest
from rag.index.writer import StoreWriter


def contents(store):
    ids = sorted(store.ids(), key=lambda id: store.positions([id])[id])
    return store.all_chunks(), [store.vectors([id]).tolist() for id in ids]


def test_put_remove_replace(tiny_index):
    store = tiny_index({"a.md": "# A\nalpha", "b.md": "# B\nbeta"})
    assert list(store.documents()) == ["a.md", "b.md"] and store.text("a.md") == "# A\nalpha"
    put(store, "a.md", "# A\nanother")
    assert [c.text for c in store.all_chunks()] == ["# A\nanother", "# B\nbeta"]
    store.remove(["a.md", "not there"])
    assert list(store.documents()) == ["b.md"] and [c.document for c in store.all_chunks()] == ["b.md"]
    with pytest.raises(StoreError, match="no document a.md"):
        store.text("a.md")


def test_every_commit_counts_as_one_change(tiny_index):
    store = tiny_index({"a.md": "one", "b.md": "two"})
    before = store.change
    store.remove(["a.md"])
    assert (before, store.change) == (2, 3)


def test_load_gives_back_the_chunks_and_vectors_that_went_in(tiny_index):
    store, made = tiny_index({}), document("a.md", "# A\n\none\n\n# B\n\ntwo")
    chunks = chunk_document(made, ChunkSettings())
    vectors = np.arange(8, dtype=np.float32).reshape(2, 4)
    store.put(made, chunks, vectors)
    assert store.all_chunks() == chunks and np.array_equal(store.vectors(store.ids()), vectors) and store.change == 1


def test_load_does_not_depend_on_the_order_of_insertion(tiny_index):
    texts = {f"{name}.md": f"# {name}\n\ntext of {name}\n\n# More\n\nmore" for name in "cabd"}
    assert contents(tiny_index(texts)) == contents(tiny_index(dict(sorted(texts.items()))))


def test_an_empty_store_loads(tiny_index):
    store = tiny_index({})
    assert store.all_chunks() == [] and len(store.ids()) == 0


def test_another_identity_is_refused_naming_both_and_the_remedy(tiny_index):
    folder = tiny_index({"a.md": "one"}).folder
    for create in (False, True):
        with pytest.raises(StoreError, match="embedder, tiny, not other: rag --index .* index --rebuild"):
            StoreWriter(folder, {**IDENTITY, "embedder": "other"}, create)


def test_a_missing_index_says_make_index_and_is_not_made(tmp_path):
    with pytest.raises(StoreError, match="make index"):
        StoreWriter(tmp_path / "none", IDENTITY)
    assert not (tmp_path / "none").exists()


def test_a_damaged_index_is_a_store_error(tiny_index):
    store = tiny_index({"a.md": "one"})
    store.close()
    (store.folder / "store.sqlite").write_bytes(b"this is no database" * 100)
    for path in store.folder.glob("store.sqlite-*"):
        path.unlink()
    with pytest.raises(StoreError, match="is damaged.*--rebuild"):
        StoreWriter(store.folder, IDENTITY)


def test_a_put_that_fails_leaves_what_was_there(tiny_index):
    store = tiny_index({"a.md": "# A\nalpha"})
    before, change = contents(store), store.change
    made = document("a.md", "# A\nnew")
    chunks = chunk_document(made, ChunkSettings())
    with pytest.raises(ValueError):
        store.put(made, chunks, np.zeros((len(chunks) + 1, 4), np.float32))
    twice = [
        chunks[0],
        dataclasses.replace(chunks[0], start=None),
    ]  # the second row breaks a NOT NULL rule when the first is written already
    with pytest.raises(Exception, match="NOT NULL"):
        store.put(made, twice, np.zeros((2, 4), np.float32))
    assert contents(store) == before and store.change == change


def test_destroy_deletes_the_index_and_nothing_else(tiny_index):
    store = tiny_index({"a.md": "one"})
    store.close()
    (store.folder / "dense-1.bin").write_text("x")
    (store.folder / "notes.txt").write_text("mine")
    StoreWriter.destroy(store.folder)
    assert sorted(path.name for path in store.folder.iterdir()) == [".lock", "notes.txt"]


def test_a_kill_in_mid_document_leaves_whole_documents_and_the_rest_can_follow(tmp_path, tiny_index, tiny_embedder):
    docs = tmp_path / "docs"
    docs.mkdir()
    for n in range(6):
        (docs / f"{n}.md").write_text(f"# Document {n}\n\n" + f"The sentence of number {n}. " * 5)
    child = start(die_in_third_document, tmp_path / "killed", docs, 40)
    assert exit_codes(child) == [-signal.SIGKILL]
    fresh, killed = tiny_index({}, "fresh"), StoreWriter(tmp_path / "killed", IDENTITY)
    ingest(fresh, tiny_embedder, [docs], IndexingSettings(chunks=ChunkSettings(40)))
    assert list(killed.documents()) == ["0.md", "1.md"]
    assert killed.all_chunks() == [c for c in fresh.all_chunks() if c.document in ("0.md", "1.md")]
    assert ingest(killed, tiny_embedder, [docs], IndexingSettings(chunks=ChunkSettings(40))).unchanged == 2
    assert contents(killed) == contents(fresh)
    killed.close()
