"""A process killed at any moment leaves an index that opens, is whole, and can go on; so does a full disk."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import rag.index.database
from hash_embedder import HashEmbedder
from index_processes import IDENTITY, exit_codes, shared_numbers, start
from killed_indexing import (
    CLEANING,
    COMMITTED,
    ENTERED,
    KEEPING,
    PHASE,
    PHASES,
    PUTTING,
    REMOVING,
    SAVING,
    SHARED,
    die_between_batches,
    die_holding_the_lock,
    sync_on_a_full_disk,
    work_in_phases,
)
from rag.core.errors import StoreError
from rag.core.sections import ChunkSettings, RetrievalSettings
from rag.index.indexing import IndexingSettings, compact, ingest, sync
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever

KILLS = int(os.environ.get("RAGTUNE_KILLS", "60"))
# Phases that a kill is aimed at, and the seconds after entering one within which it comes.
AIMS = {
    "index": [KEEPING, PUTTING, SAVING],
    "reindex": [KEEPING, PUTTING, REMOVING, SAVING],
    "compact": [SAVING, CLEANING],
}
WINDOW = {KEEPING: 0.004, PUTTING: 0.0005, REMOVING: 0.001, SAVING: 0.01, CLEANING: 0.01}


def write_documents(folder: Path, version: int) -> None:
    """Thirty small documents and a large one; of another version some are changed, some gone, some new."""
    folder.mkdir(exist_ok=True)
    for n in range(30):
        file = folder / f"{n:02}.md"
        if version and n % 5 == 0:
            file.unlink(missing_ok=True)
        else:
            text = (
                f"The berth of number {n} is {n * version} metres long and crane {n} lifts {n + version} tonnes. " * 6
            )
            file.write_text(f"# Document {n}\n\n{text}" if n % 3 == 0 or not version else file.read_text())
    lines = [f"Line {n} of the ledger, version {version}: pallet {n * 7} went to gate {n % 11}." for n in range(900)]
    (folder / "ledger.md").write_text("\n\n".join(lines))
    if version:
        (folder / "new.md").write_text("# New\n\nA new gate was opened.")


class Work:
    """What a child does to an index: "index" a folder, "reindex" it when it has changed, or "compact"."""

    def __init__(self, kind: str, index: Path, docs: Path):
        self.kind, self.index, self.docs = kind, index, docs

    def _start(self, shared):
        return start(work_in_phases, self.kind, self.index, self.docs, shared)

    def seconds(self) -> float:
        """Do all of it, and return how long it takes."""
        began = time.perf_counter()
        assert exit_codes(self._start(shared_numbers(SHARED))) == [0]
        return time.perf_counter() - began

    def go_on(self) -> None:
        """Do, in this process, what is left to do."""
        store = StoreWriter(self.index, IDENTITY, create=True)
        if self.kind == "compact":
            compact(store)
        else:
            sync(store, HashEmbedder(), self.docs, IndexingSettings())
        store.close()

    def killed_after(self, seconds: float) -> tuple[str, int]:
        """Return the phase that the kill met ("done": none) and how many documents had been committed by then."""
        return self._killed(lambda child, shared: time.sleep(seconds))

    def killed_in(self, phase: int, times: int, seconds: float) -> tuple[str, int]:
        """The same, some moment after it entered a phase for the so-many-th time."""

        def wait(child, shared):
            while shared[ENTERED + phase] < times and child.is_alive():
                pass
            time.sleep(seconds)

        return self._killed(wait)

    def _killed(self, wait) -> tuple[str, int]:
        shared = shared_numbers(SHARED)
        child = self._start(shared)
        wait(child, shared)
        child.kill()
        killed = exit_codes(child) == [-signal.SIGKILL]
        return PHASES[shared[PHASE]] if killed else "done", shared[COMMITTED]


def held_documents(index: Path, versions: list[dict[str, list]]) -> int:
    """Check that each document is of a version, with all of its chunks, and that search finds them; return how many."""
    store = StoreWriter(index, IDENTITY, create=True)  # as the next `rag index` opens it
    assert store.damage() == []
    held: dict[str, list] = {id: [] for id in store.documents()}
    for c in store.all_chunks():
        held[c.document].append(c)
    for id, chunks in held.items():
        assert chunks in [version.get(id) for version in versions], id
    if held:
        found = Retriever(store, HashEmbedder(), RetrievalSettings()).search("crane gate berth ledger")
        assert found and all(p.chunk in held[p.chunk.document] for p in found)
    store.close()
    return len(held)


def passages(store: DocumentStore) -> list:
    retriever = Retriever(store, HashEmbedder(), RetrievalSettings(passages=20))
    questions = ("crane gate berth", "pallet 77 ledger", "Document 7")
    return [[(p.chunk, p.score, p.cosine) for p in retriever.search(question)] for question in questions]


def built(index: Path, docs: Path) -> dict[str, list]:
    """Build an index and return each document's chunks."""
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    found: dict[str, list] = {}
    for c in store.all_chunks():
        found.setdefault(c.document, []).append(c)
    store.close()
    return found


def chunks_of(documents: dict[str, list]) -> list:
    return [chunk for _, chunks in sorted(documents.items()) for chunk in chunks]


def test_killed_anywhere_it_opens_holds_whole_documents_and_goes_on(tmp_path):
    rng, met = random.Random(0), Counter()
    docs, old, index = tmp_path / "docs", tmp_path / "old", tmp_path / "index"
    write_documents(docs, 0)
    versions = {"first": built(tmp_path / "first", docs)}
    shutil.copytree(docs, old)
    write_documents(docs, 1)
    versions["second"] = built(tmp_path / "second", docs)
    expected = {name: passages(DocumentStore(tmp_path / name, IDENTITY)) for name in versions}
    before = {"index": None, "reindex": "first", "compact": "second"}
    seconds: dict[str, float] = {}

    def prepared(kind: str) -> Work:
        shutil.rmtree(index, ignore_errors=True)
        if before[kind]:
            shutil.copytree(tmp_path / before[kind], index)
        return Work(kind, index, old if kind == "index" else docs)

    number = 0
    while sum(count for phase, count in met.items() if not phase.endswith("done")) < KILLS:
        kind = ("index", "reindex", "compact")[number // 2 % 3]
        if kind not in seconds:
            seconds[kind] = prepared(kind).seconds()
        work, aim = prepared(kind), rng.choice(AIMS[kind])
        if number % 2:
            phase, committed = work.killed_after(rng.uniform(0, seconds[kind]))
        else:
            times = rng.randint(1, 20) if aim == PUTTING else 1
            phase, committed = work.killed_in(aim, times, rng.uniform(0, WINDOW[aim]))
        met[f"{kind}: {phase}"] += 1
        result = "first" if kind == "index" else "second"
        held = held_documents(index, list(versions.values()))
        assert held >= committed if kind == "index" else held >= len(versions["second"]) - 1
        work.go_on()
        assert held_documents(index, list(versions.values())) == len(versions[result])
        store = StoreWriter(index, IDENTITY)
        assert store.all_chunks() == chunks_of(versions[result]) and passages(store) == expected[result]
        store.close()
        number += 1
    print("\n" + "\n".join(f"{count:4} {phase}" for phase, count in sorted(met.items())))
    assert len(met) >= 8  # not all in one place


def test_vectors_of_a_large_document_survive_the_kill(tmp_path):
    docs, index = tmp_path / "docs", tmp_path / "index"
    write_documents(docs, 0)
    for path in docs.glob("[0-9]*"):
        path.unlink()
    assert exit_codes(start(die_between_batches, index, docs, 80, 256)) == [-signal.SIGKILL]
    store = StoreWriter(index, IDENTITY, create=True)
    assert store.documents() == {} and store.size()["vectors"] == 256
    report = sync(store, HashEmbedder(), docs, IndexingSettings(chunks=ChunkSettings(size=80)))
    assert report.chunks - report.embedded == 256


def test_a_writer_that_was_killed_holds_up_no_other(tmp_path):
    assert exit_codes(start(die_holding_the_lock, tmp_path / "index")) == [-signal.SIGKILL]
    with StoreWriter(tmp_path / "index", IDENTITY, create=True).writing(patience=0):
        pass


def test_a_full_database_is_one_line_and_loses_nothing(tmp_path, monkeypatch):
    docs, index, connect = tmp_path / "docs", tmp_path / "index", sqlite3.connect
    write_documents(docs, 0)
    store = StoreWriter(index, IDENTITY, create=True)
    ingest(store, HashEmbedder(), [docs / "01.md"], IndexingSettings())
    before = store.all_chunks()
    store.close()

    def connect_to_a_full_disk(*args, **options):
        db = connect(*args, **options)
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0] + 4}")
        return db

    with monkeypatch.context() as patched, pytest.raises(StoreError) as error:
        patched.setattr(rag.index.database.sqlite3, "connect", connect_to_a_full_disk)
        sync(StoreWriter(index, IDENTITY), HashEmbedder(), docs, IndexingSettings())
    assert "no space is left" in str(error.value) and "what was committed is kept: free some space" in str(error.value)
    store = StoreWriter(index, IDENTITY, create=True)
    assert store.damage() == [] and before[0] in store.all_chunks()
    sync(store, HashEmbedder(), docs, IndexingSettings())
    assert len(store.documents()) == 31


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path):
    """RLIMIT_FSIZE makes every write beyond a size fail, as a full disk does."""
    docs, index = tmp_path / "docs", tmp_path / "index"
    write_documents(docs, 0)
    assert exit_codes(start(sync_on_a_full_disk, index, docs, 150_000)) == [7]
    store = StoreWriter(index, IDENTITY, create=True)
    assert store.damage() == []
    held = len(store.documents())
    assert sync(store, HashEmbedder(), docs, IndexingSettings()).unchanged == held < 31
    assert store.all_chunks() == chunks_of(built(tmp_path / "fresh", docs))


def test_search_files_that_cannot_be_saved_are_reported_and_searching_works(tmp_path, monkeypatch, capsys):
    write_documents(tmp_path / "docs", 0)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rag.index.bm25.save_arrays", full)
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    sync(store, HashEmbedder(), tmp_path / "docs", IndexingSettings())
    assert "No space left on device" in capsys.readouterr().err
    assert Retriever(store, HashEmbedder(), RetrievalSettings()).search("ledger gate")


READ_ONLY = """
import os, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from hash_embedder import HashEmbedder
from rag.core.errors import StoreError
from rag.core.sections import RetrievalSettings
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever

folder, identity = Path(sys.argv[1]), {"embedder": "tiny", "chunker": "tiny"}

def search():
    return Retriever(DocumentStore(folder, identity), HashEmbedder(), RetrievalSettings()).search("crane gate")

search()  # imports what the other user could not
os.setuid(65534)
print(len(search()))
for open_it in (
    lambda: StoreWriter(folder, identity, create=True).writing().__enter__(),
    lambda: StoreWriter(folder / "new", identity, create=True),
):
    try:
        open_it()
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user to whom the folder is closed")
def test_a_folder_that_cannot_be_written_is_read_and_writers_get_an_error():
    """In a place that everybody can read, since pytest's own folders are closed to other users."""
    folder = Path("/var/tmp") / f"ragtune-{os.getpid()}"
    support = Path(__file__).parents[2] / "support"
    try:
        write_documents(folder, 0)
        built(folder / "index", folder)
        subprocess.run(["chmod", "-R", "a+rX,go-w", str(folder)], check=True)
        command = [sys.executable, "-c", READ_ONLY, str(folder / "index"), str(support), str(support.parents[1])]
        done = subprocess.run(command, capture_output=True, text=True)
        lines = done.stdout.splitlines()
        assert lines and lines[0] == "3", done.stderr
        assert len(lines) == 3 and all("can't be" in line and "--index" in line for line in lines[1:])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
