"""Readers answer from one committed state while another process writes; writers take turns."""

import os
import time
from pathlib import Path

from fakes import HashEmbedder, put
from rag.core.sections import RetrievalSettings
from rag.index.indexing import IndexingSettings, compact, ingest, remove, sync
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever

IDENTITY = {"embedder": "tiny", "chunker": "tiny"}
GENERATIONS = 12


def in_child(work) -> int:
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return child


def finished(*children: int) -> bool:
    return all(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 for child in children)


def write(docs: Path, generation: int) -> None:
    docs.mkdir(exist_ok=True)
    for n in range(6):
        part = "\n\n".join(
            f"# Part {p}\n\nGeneration {generation} of crane {n}: it lifts {generation + p} tonnes." for p in range(4)
        )
        (docs / f"{n}.md").write_text(part if (generation + n) % 4 else "# Away\n\nNothing.")


def test_a_reader_sees_one_state_of_each_document_while_another_process_changes_them(tmp_path):
    """Every document is rewritten in one transaction; a passage of it must be of a generation that was whole, the passages of one answer that are of
    one document of the same generation, and nothing may fail."""
    docs, index = tmp_path / "docs", tmp_path / "index"
    write(docs, 0)
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    store.close()

    def work():
        writer = StoreWriter(index, IDENTITY)
        for generation in range(1, GENERATIONS):
            write(docs, generation)
            sync(writer, HashEmbedder(), docs, IndexingSettings())
            if generation % 4 == 0:
                compact(writer)

    child = in_child(work)
    retriever, asked, seen = (
        Retriever(DocumentStore(index, IDENTITY), HashEmbedder(), RetrievalSettings(passages=20)),
        0,
        set(),
    )
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None or asked < 20:
        if asked % 3 == 0:
            retriever.refresh()
        passages = retriever.search("Generation of crane lifts tonnes")
        generations = {
            (p.chunk.document, p.chunk.text.split("Generation ")[1].split()[0])
            for p in passages
            if "Generation" in p.chunk.text
        }
        assert len({document for document, _ in generations}) == len(generations)
        seen.update(generation for _, generation in generations)
        asked += 1
        time.sleep(0.001)
    assert finished(child) and len(seen) > 3 and asked >= 20
    retriever.refresh()
    fresh = StoreWriter(tmp_path / "fresh", IDENTITY, create=True)
    sync(fresh, HashEmbedder(), docs, IndexingSettings())
    question = "Generation of crane 3 lifts tonnes"
    assert retriever.search(question) == Retriever(fresh, HashEmbedder(), RetrievalSettings(passages=20)).search(
        question
    )


def test_every_answer_is_that_of_one_committed_state(tmp_path):
    """Documents are rewritten one by one in the order of their names, so that of every committed state the first are of one generation and the others
    of the one before."""
    docs, index, many = tmp_path / "docs", tmp_path / "index", 8

    def generation(g):
        docs.mkdir(exist_ok=True)
        for n in range(many):
            (docs / f"{n}.md").write_text(f"# Crane {n}\n\nCrane {n} is of generation {g}.")

    generation(0)
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    store.close()

    def work():
        writer = StoreWriter(index, IDENTITY)
        for g in range(1, 15):
            generation(g)
            sync(writer, HashEmbedder(), docs, IndexingSettings())
            if g % 5 == 0:
                compact(writer)

    child = in_child(work)
    retriever, states = Retriever(DocumentStore(index, IDENTITY), HashEmbedder(), RetrievalSettings(passages=50)), set()
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        retriever.refresh()
        found = {
            p.chunk.document: int(p.chunk.text.rstrip(".").split()[-1]) for p in retriever.search("crane generation")
        }
        state = tuple(found[f"{n}.md"] for n in range(many))  # all are there
        assert list(state) == sorted(state, reverse=True) and state[0] - state[-1] <= 1, state
        states.add(state)
    assert finished(child) and len(states) > 5


def test_a_text_is_read_whole_while_another_process_replaces_it(tmp_path):
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    put(store, "a.md", "The old text.")
    reader = DocumentStore(tmp_path / "index", IDENTITY)
    read = reader._text

    def replaced_first(content):
        put(store, "a.md", "The new text.")
        return read(content)

    reader._text = replaced_first
    assert reader.text("a.md") == "The old text."
    assert DocumentStore(tmp_path / "index", IDENTITY).text("a.md") == "The new text."


def test_a_writer_that_waited_for_a_rebuild_writes_the_new_index(tmp_path):
    docs, index = tmp_path / "docs", tmp_path / "index"
    write(docs, 0)
    waiting, removing = StoreWriter(index, IDENTITY, create=True), StoreWriter(index, IDENTITY)
    sync(waiting, HashEmbedder(), docs, IndexingSettings())
    StoreWriter.destroy(index)
    rebuilding = StoreWriter(index, IDENTITY, create=True)
    sync(rebuilding, HashEmbedder(), docs, IndexingSettings())
    (tmp_path / "late.md").write_text("It came late.")
    assert ingest(waiting, HashEmbedder(), [tmp_path / "late.md"], IndexingSettings()).added == ["late.md"]
    remove(removing, ["0.md"])
    assert (
        list(DocumentStore(index, IDENTITY).documents())
        == ["1.md", "2.md", "3.md", "4.md", "5.md", "late.md"]
        == list(rebuilding.documents())
    )
    assert rebuilding.damage() == []


def test_many_processes_may_make_one_index_at_once(tmp_path):
    def making(index):
        return lambda: StoreWriter(index, IDENTITY, create=True).close()

    for attempt in range(10):
        index = tmp_path / f"index-{attempt}"
        assert finished(*(in_child(making(index)) for _ in range(6)))
        assert StoreWriter(index, IDENTITY).change == 0


def test_writers_take_turns_and_all_of_their_documents_are_there(tmp_path, capfd):
    index = tmp_path / "index"
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        for n in range(5):
            (folder / f"{folder.name}{n}.md").write_text(
                f"# {folder.name} {n}\n\nThe berth {n} of quay {number} is free."
            )

    def adding(folder):
        return lambda: sync(StoreWriter(index, IDENTITY, create=True), HashEmbedder(), folder, IndexingSettings())

    assert finished(*(in_child(adding(folder)) for folder in (*folders, folders[0])))
    store = StoreWriter(index, IDENTITY)
    assert (
        list(store.documents()) == sorted(f"{folder.name}{n}.md" for folder in folders for n in range(5))
        and store.damage() == []
    )
    fresh = StoreWriter(tmp_path / "fresh", IDENTITY, create=True)
    for folder in folders:
        sync(fresh, HashEmbedder(), folder, IndexingSettings())
    assert store.all_chunks() == fresh.all_chunks()


def test_a_long_lived_reader_outlives_a_rebuild_of_the_search_files_and_forgotten_removals(tmp_path):
    docs, index = tmp_path / "docs", tmp_path / "index"
    write(docs, 0)
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    reader = Retriever(DocumentStore(index, IDENTITY), HashEmbedder(), RetrievalSettings(passages=20))
    for generation in (1, 2):
        write(docs, generation)
        sync(store, HashEmbedder(), docs, IndexingSettings())
    compact(store)  # forgets what was removed since the reader's state
    question = "Generation of crane lifts tonnes"
    expected = Retriever(store, HashEmbedder(), RetrievalSettings(passages=20)).search(question)
    assert reader.search(question) == expected
    reader.refresh()
    assert reader.search(question) == expected


def test_an_index_of_an_earlier_version_is_told_and_can_be_rebuilt(tmp_path):
    import sqlite3

    import pytest

    from rag.core.errors import StoreError

    index = tmp_path / "index"
    index.mkdir()
    with sqlite3.connect(index / "store.sqlite") as old:
        old.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        old.execute("INSERT INTO meta VALUES ('identity', '{}'), ('change', '3')")
    old.close()
    for open_it in (lambda: DocumentStore(index, IDENTITY), lambda: StoreWriter(index, IDENTITY, create=True)):
        with pytest.raises(StoreError, match="of version 1, not 2: rag index FOLDER --rebuild"):
            open_it()
    StoreWriter.destroy(index)
    StoreWriter(index, IDENTITY, create=True).close()
