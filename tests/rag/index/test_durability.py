"""A process killed at any moment leaves an index that opens, holds exactly whole documents, and goes on; so does a full disk."""

import itertools
import mmap
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tqdm import tqdm

import rag.index.snapshot
from fakes import HashEmbedder
from rag.core.errors import StoreError
from rag.core.sections import ChunkSettings, RetrievalSettings
from rag.index.database import Database
from rag.index.indexing import IndexingSettings, compact, ingest, sync
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever

IDENTITY = {"embedder": "tiny", "chunker": "tiny"}
KILLS = int(os.environ.get("RAGTUNE_KILLS", "60"))
PHASES = [
    "opening",
    "reading and embedding",
    "keeping vectors",
    "putting a document",
    "removing",
    "saving search files",
    "cleaning",
]
WINDOW = {
    2: 0.004,
    3: 0.0005,
    4: 0.001,
    5: 0.01,
    6: 0.01,
}  # seconds after a phase was entered within which the kill comes


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
    lines = "\n\n".join(
        f"Line {n} of the ledger, version {version}: pallet {n * 7} went to gate {n % 11}." for n in range(900)
    )
    (folder / "ledger.md").write_text(lines)
    if version:
        (folder / "new.md").write_text("# New\n\nA new gate was opened.")


class Work:
    """What the child does: index a folder, index it again when it has changed, or compact. Tells its phase through shared memory."""

    def __init__(self, index: Path, docs: Path):
        self.index, self.docs, self.shared = index, docs, mmap.mmap(-1, 16)

    def run(self, kind: str) -> None:
        tqdm.set_lock(
            threading.RLock()
        )  # its own is shared by all forks, and stays taken when a kill meets the one that has it
        store = self.told(StoreWriter(self.index, IDENTITY, create=True))
        self.shared[0] = 1
        compact(store) if kind == "compact" else sync(store, HashEmbedder(), self.docs, IndexingSettings())

    def told(self, store: StoreWriter) -> StoreWriter:
        for name, phase in (("keep_vectors", 2), ("put", 3), ("remove", 4), ("clean", 6)):
            setattr(store, name, self.marked(getattr(store, name), phase))
        rag.index.snapshot._made = self.marked(rag.index.snapshot._made, 5)
        return store

    def marked(self, function, phase: int):
        def marked(*args):
            self.shared[0] = phase
            self.shared[8 + phase] += 1
            result = function(*args)
            self.shared[0] = 1
            self.shared[1] += phase == 3  # committed
            return result

        return marked

    def killed_after(self, kind: str, seconds: float) -> tuple[str, int]:
        """-> the phase that the kill met, and how many documents had been committed by then; "done" when it came too late."""
        return self._killed(kind, lambda child: time.sleep(seconds))

    def killed_in(self, kind: str, phase: int, times: int, seconds: float) -> tuple[str, int]:
        """The same, some moment after it entered a phase for the so-many-th time."""

        def wait(child: int) -> None:
            while (
                self.shared[8 + phase] < times
                and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
            ):
                pass
            time.sleep(seconds)

        return self._killed(kind, wait)

    def _killed(self, kind: str, wait) -> tuple[str, int]:
        self.shared[:] = bytes(len(self.shared))
        child = os.fork()
        if not child:
            try:
                self.run(kind)
            finally:
                os._exit(0)
        wait(child)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        return PHASES[self.shared[0]] if os.WIFSIGNALED(status) else "done", self.shared[1]

    def duration(self, kind: str) -> float:
        start, child = time.perf_counter(), os.fork()
        if not child:
            try:
                self.run(kind)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        return time.perf_counter() - start


def whole(index: Path, versions: list[dict[str, list]]) -> int:
    """Every document held is one of a version, with all of its chunks, and search finds them. -> how many are held."""
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


def passages(record: DocumentStore) -> list:
    retriever = Retriever(record, HashEmbedder(), RetrievalSettings(passages=20))
    return [
        [(p.chunk, p.score, p.cosine) for p in retriever.search(question)]
        for question in ("crane gate berth", "pallet 77 ledger", "Document 7")
    ]


def built(index: Path, docs: Path) -> dict[str, list]:
    store = StoreWriter(index, IDENTITY, create=True)
    sync(store, HashEmbedder(), docs, IndexingSettings())
    found: dict[str, list] = {}
    for c in store.all_chunks():
        found.setdefault(c.document, []).append(c)
    store.close()
    return found


def killed(met: Counter) -> int:
    return sum(count for phase, count in met.items() if not phase.endswith("done"))


def test_killed_anywhere_it_opens_holds_whole_documents_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("rag.index.snapshot.LEAST", 20)  # so that indexing again saves search files too
    rng, met = random.Random(0), Counter()
    docs = tmp_path / "docs"
    write_documents(docs, 0)
    first = built(tmp_path / "first", docs)
    shutil.copytree(docs, tmp_path / "old")
    write_documents(docs, 1)
    second = built(tmp_path / "second", docs)
    versions = [first, second]
    expected = {name: passages(DocumentStore(tmp_path / name, IDENTITY)) for name in ("first", "second")}
    times = {}
    for number in itertools.takewhile(lambda _: killed(met) < KILLS, range(3 * KILLS)):
        kind = ("index", "reindex", "compact")[number // 2 % 3]
        index = tmp_path / "index"
        shutil.rmtree(index, ignore_errors=True)
        if kind != "index":
            shutil.copytree(tmp_path / ("first" if kind == "reindex" else "second"), index)
        work = Work(index, tmp_path / "old" if kind == "index" else docs)
        if kind not in times:
            times[kind] = work.duration(kind)
            shutil.rmtree(index)
            if kind != "index":
                shutil.copytree(tmp_path / ("first" if kind == "reindex" else "second"), index)
        if number % 2:
            phase, committed = work.killed_after(kind, rng.uniform(0, times[kind]))
        else:
            aim = rng.choice({"index": [2, 3, 5], "reindex": [2, 3, 4, 5], "compact": [5, 6]}[kind])
            phase, committed = work.killed_in(
                kind, aim, rng.randint(1, 20) if aim == 3 else 1, rng.uniform(0, WINDOW[aim])
            )
        met[f"{kind}: {phase}"] += 1
        held = whole(index, versions)
        assert held >= committed if kind == "index" else held >= len(second) - 1
        done = work.duration(kind)  # the next one goes on
        assert done < 60 and whole(index, versions) == len(first if kind == "index" else second)
        store = StoreWriter(index, IDENTITY)
        assert store.all_chunks() == [
            c for _, chunks in sorted((first if kind == "index" else second).items()) for c in chunks
        ]
        assert passages(store) == expected["first" if kind == "index" else "second"]
        store.close()
    print("\n" + "\n".join(f"{count:4} {phase}" for phase, count in sorted(met.items())))
    assert killed(met) == KILLS and len(met) >= 8  # not all in one place


def test_vectors_of_a_large_document_survive_the_kill(tmp_path, monkeypatch):
    monkeypatch.setattr("rag.index.indexing.GROUP", 256)
    write_documents(tmp_path / "docs", 0)
    for path in (tmp_path / "docs").glob("[0-9]*"):
        path.unlink()

    class Dies(HashEmbedder):
        calls = 0

        def passages(self, texts, on_batch=lambda n: None):
            self.calls += 1
            if self.calls == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().passages(texts, on_batch)

    child = os.fork()
    if not child:
        try:
            sync(
                StoreWriter(tmp_path / "index", IDENTITY, create=True),
                Dies(),
                tmp_path / "docs",
                IndexingSettings(chunks=ChunkSettings(size=80)),
            )
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    assert store.documents() == {} and store.size()["vectors"] == 256
    report = sync(store, HashEmbedder(), tmp_path / "docs", IndexingSettings(chunks=ChunkSettings(size=80)))
    assert report.chunks - report.embedded == 256


def test_a_writer_that_was_killed_holds_up_no_other(tmp_path):
    write_documents(tmp_path / "docs", 0)
    child = os.fork()
    if not child:
        with StoreWriter(tmp_path / "index", IDENTITY, create=True).writing():
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with StoreWriter(tmp_path / "index", IDENTITY, create=True).writing(patience=5):
        pass


def test_a_full_database_is_one_line_and_loses_nothing(tmp_path):
    write_documents(tmp_path / "docs", 0)
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    ingest(store, HashEmbedder(), [tmp_path / "docs" / "01.md"], IndexingSettings())
    before = store.all_chunks()
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StoreError, match="no space is left.*what was committed is kept: free some space"):
        sync(store, HashEmbedder(), tmp_path / "docs", IndexingSettings())
    store.close()
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    assert store.damage() == [] and before[0] in store.all_chunks()
    sync(store, HashEmbedder(), tmp_path / "docs", IndexingSettings())
    assert len(store.documents()) == 31


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path):
    """RLIMIT_FSIZE makes every write beyond a size fail, as a full disk does."""
    write_documents(tmp_path / "docs", 0)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        try:
            sync(
                StoreWriter(tmp_path / "index", IDENTITY, create=True),
                HashEmbedder(),
                tmp_path / "docs",
                IndexingSettings(),
            )
        except StoreError as error:
            os._exit(7 if "run the command again" in str(error) and "\n" not in str(error) else 8)
        finally:
            os._exit(9)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
    store = StoreWriter(tmp_path / "index", IDENTITY, create=True)
    assert store.damage() == []
    held = len(store.documents())
    assert sync(store, HashEmbedder(), tmp_path / "docs", IndexingSettings()).unchanged == held < 31
    assert store.all_chunks() == [
        c for _, chunks in sorted(built(tmp_path / "fresh", tmp_path / "docs").items()) for c in chunks
    ]


def test_search_files_that_cannot_be_saved_are_told_and_searching_works(tmp_path, monkeypatch, capsys):
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
from fakes import HashEmbedder
from rag.core.errors import StoreError
from rag.index.store import Record
from rag.retrieval.retriever import RetrievalSettings, Retriever
from rag.index.writer import Store
folder, identity = Path(sys.argv[1]), {"embedder": "tiny", "chunker": "tiny"}
Retriever(Record(folder, identity), HashEmbedder(), RetrievalSettings()).search("crane gate")  # loads what that user could not
os.setuid(65534)
print(len(Retriever(Record(folder, identity), HashEmbedder(), RetrievalSettings()).search("crane gate")))
for open_it in (lambda: Store(folder, identity, create=True).writing().__enter__(), lambda: Store(folder / "new", identity, create=True)):
    try:
        open_it()
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user to whom the folder is closed")
def test_a_folder_that_cannot_be_written_is_read_and_writers_are_told():
    """In a place that everybody can read, since pytest's own folders are closed to other users."""
    folder = Path("/var/tmp") / f"ragtune-{os.getpid()}"
    try:
        write_documents(folder, 0)
        built(folder / "index", folder)
        subprocess.run(["chmod", "-R", "a+rX,go-w", str(folder)], check=True)
        support = Path(__file__).parents[2] / "support"
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder / "index"), str(support), str(support.parents[1])],
            capture_output=True,
            text=True,
        )
        lines = done.stdout.splitlines()
        assert lines and lines[0] == "3", done.stderr
        assert len(lines) == 3 and all("can't be" in line and "--index" in line for line in lines[1:])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("way", ["truncated", "empty", "garbage", "one bit", "gone"])
@pytest.mark.parametrize("kind", ["lexical", "dense"])
def test_a_damaged_search_file_is_noticed_and_made_again(tmp_path, capsys, kind, way):
    write_documents(tmp_path / "docs", 0)
    built(tmp_path / "index", tmp_path / "docs")
    record = DocumentStore(tmp_path / "index", IDENTITY)
    question = "crane 7 gate 3"
    before = Retriever(record, HashEmbedder(), RetrievalSettings()).search(question, 10)
    file = next((tmp_path / "index").glob(f"{kind}-*"))
    data = file.read_bytes()
    middle = len(data) // 2
    one_bit = data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]
    broken = {"truncated": data[:middle], "empty": b"", "garbage": b"\xff" * len(data), "one bit": one_bit}
    file.unlink() if way == "gone" else file.write_bytes(broken[way])
    capsys.readouterr()
    assert Retriever(record, HashEmbedder(), RetrievalSettings()).search(question, 10) == before
    assert way == "gone" or f"{file}" in capsys.readouterr().err
    assert file.read_bytes() == data  # made again as it was


@pytest.mark.parametrize("way", ["header", "middle", "truncated", "empty", "a folder"])
def test_a_damaged_record_is_said(tmp_path, way):
    write_documents(tmp_path / "docs", 0)
    built(tmp_path / "index", tmp_path / "docs")
    file = tmp_path / "index" / "store.sqlite"
    for path in tmp_path.glob("index/store.sqlite-*"):
        path.unlink()
    data = file.read_bytes()
    middle = len(data) // 2
    if way == "a folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes({"header": b"x" * 100 + data[100:], "middle": data[:middle] + os.urandom(30_000) + data[middle + 30_000 :],
                          "truncated": data[:middle], "empty": b""}[way])  # fmt: skip
    with pytest.raises(StoreError, match="rag index|make index|check the folder"):
        record = DocumentStore(tmp_path / "index", IDENTITY)
        for what in record.damage():
            raise StoreError(f"{what}: rag index FOLDER --rebuild")


def alter(folder, sql):
    """An index of the documents, whose record another program has changed."""
    write_documents(folder / "docs", 0)
    built(folder / "index", folder / "docs")
    db = Database(folder / "index" / "store.sqlite", write=True)
    db.execute(sql)
    db.close()


def test_altered_text_is_never_shown(tmp_path):
    alter(tmp_path, "UPDATE contents SET text = replace(text, 'tonnes', 'pounds')")
    with pytest.raises(StoreError, match="is damaged .a document's text is not what was stored.*--rebuild"):
        Retriever(DocumentStore(tmp_path / "index", IDENTITY), HashEmbedder(), RetrievalSettings()).search(
            "crane tonnes"
        )


@pytest.mark.parametrize("altered", ["UPDATE chunks SET start = start + 1", "UPDATE chunks SET headings = '[\"Another\"]'",
                                     "UPDATE documents SET content = (SELECT max(id) FROM contents)"])  # fmt: skip
def test_an_altered_chunk_is_never_shown(tmp_path, altered):
    alter(tmp_path, altered)
    record = DocumentStore(tmp_path / "index", IDENTITY)
    with pytest.raises(StoreError, match="is damaged .a chunk is not what was stored.*--rebuild"):
        Retriever(record, HashEmbedder(), RetrievalSettings()).search("crane tonnes")
    assert "is not what was stored" in record.damage()[0]


def test_an_altered_vector_is_noticed_when_it_is_read(tmp_path):
    alter(tmp_path, "UPDATE vectors SET vector = zeroblob(128) WHERE id = 7")
    record = DocumentStore(tmp_path / "index", IDENTITY)
    assert record.damage() == ["vector 7 is not what was stored"]
    for path in (tmp_path / "index").glob("dense-*"):
        path.unlink()
    with pytest.raises(StoreError, match="a vector is not what was stored.*--rebuild"):
        Retriever(record, HashEmbedder(), RetrievalSettings())
