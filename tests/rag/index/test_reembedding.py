"""From one embedder to another: resumable, readers keep the old vectors until it is done, going back costs nothing."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import rag.index.reembedding
from fakes import HashEmbedder, put
from rag import factory
from rag.cli.main import main
from rag.core.errors import StoreError
from rag.core.sections import RetrievalSettings
from rag.core.settings import Settings
from rag.index.indexing import IndexingSettings, ingest, remove
from rag.index.reembedding import reembed
from rag.index.store import DocumentStore
from rag.models import registry
from rag.models.registry import Promotion
from rag.models.resolve import LocalModel
from rag.retrieval.retriever import Retriever

TEXTS = {f"{n}.md": f"# Crane {n}\n\nThe crane of berth {n} lifts {n * 10} tonnes." for n in range(1, 8)}
QUESTION = "Which crane lifts 30 tonnes?"


class Dies(HashEmbedder):
    """Is killed at its second batch."""

    batches = 0

    def passages(self, texts, on_batch=lambda n: None):
        self.batches += 1
        if self.batches == 2:
            raise KeyboardInterrupt
        return super().passages(texts, on_batch)


@pytest.fixture
def store(tiny_index, monkeypatch):
    monkeypatch.setattr(rag.index.reembedding, "GROUP", 3)
    return tiny_index(TEXTS)


def retriever(store, delta=""):
    return Retriever(store, HashEmbedder(delta), RetrievalSettings(passages=7))


def found(store, delta=""):
    return [(p.chunk, p.score, p.cosine) for p in retriever(store, delta).search(QUESTION)]


def test_a_killed_one_goes_on_and_readers_keep_the_old_vectors_until_it_is_done(store, tiny_index, tmp_path):
    before, reader = found(store), retriever(store)
    with pytest.raises(KeyboardInterrupt):
        reembed(store, Dies("new"))
    assert store.delta == "" and found(store) == before and not store.damage()
    assert reembed(store, HashEmbedder("new")) == 4, "three were kept"
    assert [(p.chunk, p.score, p.cosine) for p in reader.search(QUESTION)] == before
    with pytest.raises(StoreError, match="run the command again"):
        reader.refresh()
    with pytest.raises(StoreError, match="run the command again"):
        retriever(store)
    (tmp_path / "late.md").write_text("# Late")
    with pytest.raises(StoreError, match="run the command again"):
        ingest(store, HashEmbedder(), [tmp_path / "late.md"], IndexingSettings())
    assert reembed(store, HashEmbedder("new")) == 0, "another process asked for the same"
    after = found(store, "new")
    assert after != before and store.delta == "new" and not store.damage()
    fresh = tiny_index(TEXTS, "fresh")
    reembed(fresh, HashEmbedder("new"))
    assert found(fresh, "new") == after


def test_the_way_back_reads_only_what_came_since(store):
    before = found(store)
    assert reembed(store, HashEmbedder("new")) == 7
    assert reembed(store, HashEmbedder()) == 0 and found(store) == before
    reembed(store, HashEmbedder("new"))
    put(store, "8.md", "# Crane 8\n\nThe crane of berth 8 is out of order.")
    assert reembed(store, HashEmbedder()) == 1


def test_what_was_removed_leaves_no_vector_of_any_embedder(store):
    reembed(store, HashEmbedder("new"))

    def staged() -> int:
        with closing(sqlite3.connect(store.folder / "store.sqlite")) as db:
            return db.execute("SELECT COUNT(*) FROM spare").fetchone()[0]

    assert staged() == 7
    remove(store, ["1.md", "2.md"])
    assert staged() == 5


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Return the folder of a promoted embedder and its name, in a working folder with documents."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(factory, "find_model", lambda spec, hub: LocalModel(tmp_path, HashEmbedder.digest, "hash"))
    monkeypatch.setattr(
        "rag.models.embedder.Embedder",
        lambda model, device, delta=None: HashEmbedder(factory.delta_name(delta) if delta else ""),
    )
    for name, text in TEXTS.items():
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / name).write_text(text)
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "changes.safetensors").write_bytes(b"trained")
    (tmp_path / "trained" / "identity.json").write_text(json.dumps({"base": HashEmbedder.digest}))
    name = factory.delta_name(tmp_path / "trained")
    folder = registry.adapters_folder(Path("var/index")) / f"run-embedder-{name}"
    folder.parent.mkdir(parents=True)
    (tmp_path / "trained").rename(folder)
    return folder, name


def test_what_is_promoted_reads_the_index_at_the_next_change_and_rolls_back_with_it(house, capsys):
    folder, name = house
    index = Path("var/index")

    def delta():
        return factory.open_store(Settings([]), index).delta

    assert main(["index", "docs"]) == 0 and delta() == ""
    registry.set_live(registry.INDEX, {"embedder": Promotion(folder, "it won")})
    assert factory.open_retriever(Settings([]), index, reranked=False).search(QUESTION), (
        "the old vectors serve meanwhile"
    )
    assert main(["adapters"]) == 0 and "still uses the previous embedder" in capsys.readouterr().out
    assert main(["index", "docs"]) == 0 and delta() == name
    assert factory.open_retriever(Settings([]), index, reranked=False).search(QUESTION)
    assert main(["adapters"]) == 0 and "previous embedder" not in capsys.readouterr().out
    assert main(["adapters", "--rollback"]) == 0 and delta() == ""
    assert factory.open_retriever(Settings([]), index, reranked=False).search(QUESTION)


def test_a_new_index_is_made_by_what_is_live_and_one_whose_embedder_is_gone_says_so(house):
    folder, name = house
    registry.set_live(registry.INDEX, {"embedder": Promotion(folder, "it won")})
    assert main(["index", "docs"]) == 0
    store = factory.open_store(Settings([]))
    assert store.delta == name and isinstance(store, DocumentStore)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(
        StoreError, match=f"the trained embedder {name} .* is gone from var/index/adapters: rag index FOLDER --rebuild"
    ):
        factory.open_retriever(Settings([]), reranked=False)
