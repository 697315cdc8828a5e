"""Speed and size of the index, as ratios to other libraries in the same run: python -m eval scale."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from tqdm import tqdm

from eval.suites.scale_texts import VariedChunks, real_chunks
from rag.core.sections import RetrievalSettings
from rag.index.bm25 import index_terms
from rag.index.indexing import IndexingSettings, ingest
from rag.index.snapshot import open_snapshot, refresh_files
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder
from rag.models.resolve import LocalModel
from rag.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from rank_bm25 import BM25Okapi

    from rag.index.bm25 import BM25Index

IDENTITY = {"scale": "1"}
QUESTIONS, K = 100, 50
RANK_BM25_QUESTIONS = 20  # it takes a third of a second for a question among 100,000 chunks
BM25_COMPARED = 100_000  # chunks up to which lexical search is compared with other libraries

Figures = dict[str, float]
Question = tuple[str, np.ndarray]  # its text and its vector
T = TypeVar("T")


class _KnownVectors(Embedder):
    """Gives the vectors that belong to the questions, so that embedding them is not timed."""

    def __init__(self, questions: list[Question], delta: str):
        self._known, self.delta = dict(questions), delta

    def question(self, text: str) -> np.ndarray:
        return self._known[text]


def measure_scale(model: LocalModel, device: str, sizes: list[int], folder: Path) -> dict[str, object]:
    """Measure embedding, and for each number of chunks building, opening, searching, adding and size on the disk.

    Indexes are made in `folder` and deleted. Returns the figures by name; those of a size under the size.
    """
    chunks, embedder = real_chunks(), Embedder(model, device)
    machine = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
    embedded = compare_embedding(model, device, embedder, [c.text for c in chunks[:400]])
    print(embedding_line(embedded), flush=True)
    with tqdm(total=len(chunks), desc="embedding the real chunks", delay=1) as bar:
        varied = VariedChunks(chunks, embedder.passages([c.text for c in chunks], bar.update))
    figures: dict[str, object] = {"machine": machine, "real chunks": len(chunks), "embedding": embedded}
    for size in sizes:
        found = measure_size(varied, size, folder / str(size), embedder)
        figures[f"{size}"] = found
        print("\n".join(size_lines(size, found)), flush=True)
    return figures


def compare_embedding(model: LocalModel, device: str, embedder: Embedder, texts: list[str]) -> Figures:
    """Compare the embedder with sentence-transformers as it comes, in turns on the same texts."""
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(model.path), device=device, local_files_only=True)
    plain.encode(texts[:32]), embedder.passages(texts[:32])  # the first call of each is slower
    ratios, speeds = [], []
    for _ in range(3):
        seconds, ours = timed(lambda: embedder.passages(texts))
        other, theirs = timed(lambda: plain.encode(texts, normalize_embeddings=True, show_progress_bar=False))
        ratios.append(other / seconds)
        speeds.append(len(texts) / seconds)
    cosines = (ours * theirs).sum(1)
    return {
        "texts": len(texts),
        "per second": float(np.median(speeds)),
        "ratio": float(np.median(ratios)),
        "cosine mean": float(cosines.mean()),
        "cosine least": float(cosines.min()),
    }


def measure_size(varied: VariedChunks, size: int, folder: Path, embedder: Embedder) -> Figures:
    """Build an index of `size` chunks in `folder`, measure it, and delete it."""
    shutil.rmtree(folder, ignore_errors=True)
    found = _build(varied, size, folder)
    questions = varied.questions(QUESTIONS)
    known = _KnownVectors(questions, embedder.delta)
    found["memory bytes a chunk"] = _memory(folder) / size
    seconds, retriever = timed(lambda: Retriever(DocumentStore(folder, IDENTITY), known, RetrievalSettings()))
    found["open s"] = seconds
    found.update(_searching(retriever, questions, folder))
    if size <= BM25_COMPARED:
        found.update(_compare_bm25(questions, folder))
    found["add one document s"] = _adding(folder, embedder)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _build(varied: VariedChunks, size: int, folder: Path) -> Figures:
    store = StoreWriter(folder, IDENTITY, create=True)
    with tqdm(total=size, desc=f"storing {size:,} chunks", delay=1) as bar:
        for document, chunks, vectors in varied.documents(size):
            store.put(document, chunks, vectors)
            bar.update(len(chunks))
    seconds, _ = timed(lambda: refresh_files(store))
    store.close()
    found = {"build search files s": seconds}
    for name, pattern in (("store", "store.sqlite*"), ("lexical", "lexical-*"), ("dense", "dense-*")):
        found[f"disk {name} bytes a chunk"] = sum(path.stat().st_size for path in folder.glob(pattern)) / size
    return found


def _searching(retriever: Retriever, questions: list[Question], folder: Path) -> Figures:
    """Time hybrid search without the query embedding; measure dense recall against all products in float32."""
    seconds = []
    for text, _ in questions:
        retriever.search(text)
        seconds.append(retriever.timings["search"])
    store = DocumentStore(folder, IDENTITY)
    vectors, dense = store.vectors(store.ids()).astype(np.float32), open_snapshot(store).dense
    hits = 0
    for _, vector in questions:
        least = np.partition(vectors @ vector, -10)[-10] - 1e-6  # any of several that equal the tenth will do
        hits += sum(score >= least for _, score in dense.search(vector, 10)[:10])
    return {**milliseconds("hybrid", seconds), "recall@10": hits / (10 * len(questions))}


def _compare_bm25(questions: list[Question], folder: Path) -> Figures:
    """Time lexical search against bm25s and rank-bm25 on the same words, in turns; compare scores with rank-bm25's."""
    import bm25s
    from rank_bm25 import BM25Okapi

    store = DocumentStore(folder, IDENTITY)
    ids, lexical = store.ids(), open_snapshot(store).lexical
    texts = [index_terms(text) for text in store.search_texts(ids)]
    fast, slow = bm25s.BM25(method="atire", k1=1.5, b=0.75), BM25Okapi(texts)
    fast.index(texts, show_progress=False)
    ours: list[float] = []
    theirs: list[float] = []
    for number, (text, _) in enumerate(questions):
        turn = [
            (ours, partial(lexical.search, text, K)),
            (theirs, partial(fast.retrieve, [index_terms(text)], k=K, show_progress=False)),
        ]
        for seconds, search in turn if number % 2 else turn[::-1]:
            seconds.append(timed(search)[0])
    figures = {**milliseconds("lexical", ours), **milliseconds("bm25s", theirs)}
    return {**figures, **_rank_bm25_figures(slow, lexical, ids, [text for text, _ in questions[:RANK_BM25_QUESTIONS]])}


def _rank_bm25_figures(slow: BM25Okapi, lexical: BM25Index, ids: np.ndarray, questions: list[str]) -> Figures:
    taken, off = [], 0.0
    for text in questions:
        seconds, scores = timed(partial(slow.get_scores, index_terms(text)))
        taken.append(seconds)
        right = dict(zip(ids.tolist(), scores, strict=True))
        off = max([off, *(abs(right[id] - score) for id, score in lexical.search(text, K))])
    return {**milliseconds("rank_bm25", taken), "bm25 largest difference": off}


def _adding(folder: Path, embedder: Embedder) -> float:
    """Return the seconds to read, embed and store a document of one page, and to update an open snapshot."""
    file = folder / "new.md"
    page = "The tide gauge at the eastern pier is read every morning. " * 20
    file.write_text(f"# A new document\n\n{page}", encoding="utf-8")
    store = StoreWriter(folder, IDENTITY)
    retriever = Retriever(DocumentStore(folder, IDENTITY), embedder, RetrievalSettings())
    start = time.perf_counter()
    ingest(store, embedder, [file], IndexingSettings())
    retriever.refresh()
    seconds = time.perf_counter() - start
    if retriever.search("tide gauge at the eastern pier", 1)[0].chunk.document != "new.md":
        raise RuntimeError("the new document is not found")
    store.close()
    return seconds


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that the work took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def milliseconds(name: str, seconds: list[float]) -> Figures:
    """Return median and 95th percentile, in milliseconds."""
    return {f"{name} p{part} ms": float(np.percentile(seconds, part)) * 1e3 for part in (50, 95)}


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from rag.index.store import DocumentStore
from rag.index.snapshot import open_snapshot

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

import faiss
store = DocumentStore(Path(sys.argv[1]), {})
unit = np.eye(1, store.vectors(store.ids()[:1]).shape[1], dtype=np.float32)[0]
before = held()
snapshot = open_snapshot(store)
snapshot.dense.search(unit, 10)
snapshot.lexical.search("the file", 10)
print((held() - before) * 1024)
"""


def _memory(folder: Path) -> int:
    """Return the bytes that opening and searching the index takes in a process of its own, without mapped files."""
    command = [sys.executable, "-c", MEMORY, str(folder)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def embedding_line(found: Figures) -> str:
    """Say the figures of `compare_embedding` in one line."""
    speed = f"{found['per second']:.0f} texts a second, {found['ratio']:.2f} times plain sentence-transformers"
    cosines = f"{found['cosine mean']:.5f} on average, {found['cosine least']:.5f} at least"
    return f"embedding: {speed}; cosine to it {cosines}"


def size_lines(size: int, found: Figures) -> list[str]:
    """Say the figures of one size, one line each under a heading."""
    values = {name: f"{value:,.3f}" if value > 1e-3 else f"{value:.1e}" for name, value in found.items()}
    return [f"{size:,} chunks", *(f"  {name:28} {value}" for name, value in values.items())]
