"""Search index files beside the store: none is trusted that is not of its own history, and none is left behind."""

import random
import shutil
import signal

import pytest

from fakes import put
from hash_embedder import HashEmbedder
from index_processes import IDENTITY, exit_codes, start
from killed_indexing import die_before_a_search_file_is_renamed
from rag.core.sections import RetrievalSettings
from rag.index.indexing import IndexingSettings, compact, ingest, remove, sync
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever


def found_by(store, question="crane harbour lamp", k=10):
    passages = Retriever(store, HashEmbedder(), RetrievalSettings()).search(question, k)
    return [(p.chunk, p.score, p.cosine) for p in passages]


def write(folder, texts):
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)


def fresh(tmp_path, docs):
    store = StoreWriter(tmp_path / "fresh", IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    return store


def test_search_files_of_a_later_state_are_not_trusted_when_an_older_store_is_put_back(tmp_path):
    """The store comes to the same change number by other changes, before anything has looked at the files."""
    docs, index = tmp_path / "docs", tmp_path / "index"
    write(docs, {f"{n}.md": f"# {n}\n\nThe crane of number {n}." for n in range(4)})
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    store.close()
    shutil.copy(index / "store.sqlite", tmp_path / "backup")
    write(docs, {f"{n}.md": f"# {n}\n\nThe lamp of number {n}." for n in range(4, 7)})
    store = StoreWriter(index, IDENTITY)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    compact(store)
    store.close()
    shutil.copy(tmp_path / "backup", index / "store.sqlite")
    write(docs, {f"{n}.md": f"# {n}\n\nThe harbour of number {n}." for n in range(4, 8)})
    store = StoreWriter(index, IDENTITY)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    assert found_by(store) == found_by(fresh(tmp_path, docs))


def test_what_a_killed_process_left_of_a_search_file_goes_with_a_compact(tmp_path):
    index = tmp_path / "index"
    write(tmp_path / "docs", {"a.md": "# A\n\nThe crane.", "secret.md": "# S\n\nThe quartzbrick of the harbour."})
    child = start(die_before_a_search_file_is_renamed, index, tmp_path / "docs")
    assert exit_codes(child) == [-signal.SIGKILL]
    store = StoreWriter(index, IDENTITY)
    assert list(store.documents()) == ["a.md", "secret.md"]
    assert any(b"quartzbrick" in path.read_bytes() for path in index.glob("lexical-*.bin.*"))
    remove(store, ["secret.md"])
    compact(store)
    assert not any(b"quartzbrick" in path.read_bytes() for path in index.iterdir())
    assert sorted(path.name.split("-")[0] for path in index.glob("*.bin*")) == ["dense", "lexical"]


def test_a_compact_takes_away_the_search_files_of_an_index_that_is_no_more(tmp_path):
    index = tmp_path / "index"
    store = StoreWriter(index, IDENTITY, create=True)
    put(store, "a.md", "The crane.")
    found_by(store)
    store.close()
    for path in index.glob("store.sqlite*"):
        path.unlink()
    store = StoreWriter(index, IDENTITY, create=True)
    put(store, "b.md", "The lamp.")
    assert [chunk.document for chunk, *_ in found_by(store)] == ["b.md"]
    assert len(list(index.glob("*.bin"))) == 4
    compact(store)
    assert len(list(index.glob("*.bin"))) == 2


@pytest.mark.parametrize("kind", ["lexical", "dense"])
def test_any_flipped_bit_of_a_search_file_is_noticed(tmp_path, capsys, kind):
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    for n in range(5):
        put(store, f"{n}.md", f"The crane {n} of the harbour has a lamp.")
    expected, file = found_by(store), next((tmp_path / "index").glob(f"{kind}-*"))
    whole, rng = file.read_bytes(), random.Random(0)
    for at in [0, 8, 16, 24, len(whole) - 1, *rng.sample(range(len(whole)), 20)]:
        file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        capsys.readouterr()
        assert found_by(store) == expected
        assert (
            f"{file} is damaged, or of an earlier version; it is made again" in capsys.readouterr().err
            and file.read_bytes() == whole
        )


@pytest.mark.parametrize(
    "name", ["with space", "100%25 done", "what?mode=ro#x", "Häfen 港", "a[1]*", "'quoted\" & {x}"]
)
def test_an_index_may_lie_in_a_folder_of_any_name(tmp_path, name):
    write(tmp_path / "docs", {"a.md": "# A\n\nThe crane."})
    index = tmp_path / name / "index"
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), tmp_path / "docs", IndexingSettings())
    remove(store, ["a.md"])
    ingest(store, HashEmbedder(), [tmp_path / "docs" / "a.md"], IndexingSettings())
    compact(store)
    store.close()
    assert {path.name for path in (tmp_path / name).iterdir()} == {"index"} and {
        path.name for path in tmp_path.iterdir()
    } == {name, "docs"}
    assert len(found_by(DocumentStore(index, IDENTITY))) == 1
    StoreWriter.destroy(index)
    assert [path.name for path in index.iterdir()] == [".lock"]
