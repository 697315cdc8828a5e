"""Readers answer from one committed state while another process writes; writers take turns."""

import sqlite3

import pytest

from concurrent_writing import make_index, write_cranes, write_generations, write_short_cranes
from fakes import put
from hash_embedder import HashEmbedder
from index_processes import IDENTITY, exit_codes, shared_numbers, start, sync_folder
from rag.core.errors import StoreError
from rag.core.sections import RetrievalSettings
from rag.index.database import Database
from rag.index.indexing import IndexingSettings, compact, ingest, remove, sync
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever

QUESTION = "Generation of crane lifts tonnes"


def retriever_of(store, passages=20) -> Retriever:
    return Retriever(store, HashEmbedder(), RetrievalSettings(passages=passages))


def test_a_reader_sees_one_state_of_each_document_while_another_process_changes_them(tmp_path):
    """Every document is rewritten in one transaction: its passages in one answer are of one generation."""
    docs, index, searches = tmp_path / "docs", tmp_path / "index", shared_numbers(1)
    write_cranes(docs, 0)
    sync_folder(index, docs)
    child = start(write_generations, index, docs, write_cranes, 12, 4, searches)
    retriever, seen = retriever_of(DocumentStore(index, IDENTITY)), set()
    while child.is_alive():
        if searches[0] % 3 == 0:
            retriever.refresh()
        passages = retriever.search(QUESTION)
        searches[0] += 1
        generations = {
            (p.chunk.document, p.chunk.text.split("Generation ")[1].split()[0])
            for p in passages
            if "Generation" in p.chunk.text
        }
        assert len({document for document, _ in generations}) == len(generations)
        seen.update(generation for _, generation in generations)
    assert exit_codes(child) == [0] and len(seen) > 3
    retriever.refresh()
    sync_folder(tmp_path / "fresh", docs)
    fresh = retriever_of(DocumentStore(tmp_path / "fresh", IDENTITY))
    assert retriever.search("Generation of crane 3 lifts tonnes") == fresh.search("Generation of crane 3 lifts tonnes")


def test_every_answer_is_that_of_one_committed_state(tmp_path):
    """Documents are rewritten in the order of their names: in every state the first are one generation ahead."""
    docs, index, searches = tmp_path / "docs", tmp_path / "index", shared_numbers(1)
    write_short_cranes(docs, 0)
    sync_folder(index, docs)
    child = start(write_generations, index, docs, write_short_cranes, 15, 5, searches)
    retriever, states = retriever_of(DocumentStore(index, IDENTITY), 50), set()
    while child.is_alive():
        retriever.refresh()
        passages = retriever.search("crane generation")
        searches[0] += 1
        found = {p.chunk.document: int(p.chunk.text.rstrip(".").split()[-1]) for p in passages}
        state = tuple(found[f"{n}.md"] for n in range(8))  # all are there
        assert list(state) == sorted(state, reverse=True) and state[0] - state[-1] <= 1, state
        states.add(state)
    assert exit_codes(child) == [0] and len(states) > 5


def test_a_text_is_read_whole_while_another_process_replaces_it(tmp_path, monkeypatch):
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    put(store, "a.md", "The old text.")
    reader, one = DocumentStore(tmp_path / "index", IDENTITY), Database.one

    def replaced_first(db, sql, values=()):
        if sql.startswith("SELECT digest, text"):
            monkeypatch.undo()
            put(store, "a.md", "The new text.")
        return one(db, sql, values)

    monkeypatch.setattr(Database, "one", replaced_first)
    assert reader.text("a.md") == "The old text."
    assert store.text("a.md") == DocumentStore(tmp_path / "index", IDENTITY).text("a.md") == "The new text."


def test_a_writer_that_waited_for_a_rebuild_writes_the_new_index(tmp_path):
    docs, index = tmp_path / "docs", tmp_path / "index"
    write_cranes(docs, 0)
    waiting, removing = StoreWriter(index, IDENTITY, create=True), StoreWriter(index, IDENTITY)
    sync(waiting, HashEmbedder(), docs, IndexingSettings())
    StoreWriter.destroy(index)
    rebuilding = StoreWriter(index, IDENTITY, create=True)
    sync(rebuilding, HashEmbedder(), docs, IndexingSettings())
    (tmp_path / "late.md").write_text("It came late.")
    assert ingest(waiting, HashEmbedder(), [tmp_path / "late.md"], IndexingSettings()).added == ["late.md"]
    remove(removing, ["0.md"])
    documents = ["1.md", "2.md", "3.md", "4.md", "5.md", "late.md"]
    assert list(DocumentStore(index, IDENTITY).documents()) == list(rebuilding.documents()) == documents
    assert rebuilding.damage() == []


def test_many_processes_may_make_one_index_at_once(tmp_path):
    for attempt in range(10):
        index = tmp_path / f"index-{attempt}"
        assert exit_codes(*[start(make_index, index) for _ in range(6)]) == [0] * 6
        assert StoreWriter(index, IDENTITY).change == 0


def test_writers_take_turns_and_all_of_their_documents_are_there(tmp_path):
    index = tmp_path / "index"
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        for n in range(5):
            text = f"# {folder.name} {n}\n\nThe berth {n} of quay {number} is free."
            (folder / f"{folder.name}{n}.md").write_text(text)
    assert exit_codes(*[start(sync_folder, index, folder) for folder in (*folders, folders[0])]) == [0] * 4
    store = StoreWriter(index, IDENTITY)
    assert list(store.documents()) == sorted(f"{folder.name}{n}.md" for folder in folders for n in range(5))
    assert store.damage() == []
    for folder in folders:
        sync_folder(tmp_path / "fresh", folder)
    assert store.all_chunks() == DocumentStore(tmp_path / "fresh", IDENTITY).all_chunks()


def test_a_long_lived_reader_outlives_a_rebuild_of_the_search_files_and_forgotten_removals(tmp_path):
    docs, index = tmp_path / "docs", tmp_path / "index"
    write_cranes(docs, 0)
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    reader = retriever_of(DocumentStore(index, IDENTITY))
    for generation in (1, 2):
        write_cranes(docs, generation)
        sync(store, HashEmbedder(), docs, IndexingSettings())
    compact(store)  # forgets what was removed since the reader's state
    expected = retriever_of(store).search(QUESTION)
    assert reader.search(QUESTION) == expected
    reader.refresh()
    assert reader.search(QUESTION) == expected


def test_an_index_of_an_earlier_version_is_an_error_and_can_be_rebuilt(tmp_path):
    index = tmp_path / "index"
    index.mkdir()
    with sqlite3.connect(index / "store.sqlite") as old:
        old.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        old.execute("INSERT INTO meta VALUES ('identity', '{}'), ('change', '3')")
    old.close()
    for open_it in (lambda: DocumentStore(index, IDENTITY), lambda: StoreWriter(index, IDENTITY, create=True)):
        with pytest.raises(StoreError, match=r"another version of this program \(1, not 3\): rag .* --rebuild"):
            open_it()
    StoreWriter.destroy(index)
    StoreWriter(index, IDENTITY, create=True).close()
