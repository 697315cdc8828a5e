"""How fast the record and its searches are, as ratios to the peers in the same run: python -m eval scale."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from eval.suites.scale_texts import Varied, real_chunks
from rag.core.sections import RetrievalSettings
from rag.core.words import search_terms
from rag.index.indexing import IndexingSettings, ingest
from rag.index.snapshot import refresh_files
from rag.index.store import DocumentStore
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder
from rag.models.resolve import LocalModel
from rag.retrieval.retriever import Retriever

IDENTITY = {"scale": "1"}
QUESTIONS, K = 100, 50


class _Given:
    """Gives the vectors that belong to the questions, so that no query embedding is timed."""

    def __init__(self, vectors: dict[str, np.ndarray], embedder: Embedder):
        self._vectors, self.passages, self.delta = vectors, embedder.passages, embedder.delta

    def question(self, text: str) -> np.ndarray:
        return self._vectors[text]


def measure_scale(model: LocalModel, device: str, sizes: list[int], folder: Path) -> dict[str, Any]:
    """-> figures: embedding, and for each number of chunks building, opening, searching, adding, room. Indexes are made in `folder` and deleted."""
    chunks, embedder = real_chunks(), Embedder(model, device)
    figures: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, Python {platform.python_version()}",
        "real chunks": len(chunks),
    }
    figures["embedding"] = embedding(model, device, embedder, [c.text for c in chunks[:400]])
    print(embedding_line(figures["embedding"]), flush=True)
    with tqdm(total=len(chunks), desc="embedding the real chunks", delay=1) as bar:
        varied = Varied(chunks, embedder.passages([c.text for c in chunks], bar.update))
    for size in sizes:
        figures[f"{size}"] = found = at_size(varied, size, folder / str(size), embedder)
        print("\n".join(size_lines(size, found)), flush=True)
    return figures


def embedding(model: LocalModel, device: str, embedder: Embedder, texts: list[str]) -> dict[str, float]:
    """Ours against sentence-transformers as it comes, in turns on the same texts."""
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(model.path), device=device, local_files_only=True)
    theirs = plain.encode(texts[:32]), embedder.passages(texts[:32])  # the first call of each is slower
    ratios, speeds = [], []
    for _ in range(3):
        mine, own = timed(lambda: embedder.passages(texts))
        other, theirs = timed(lambda: plain.encode(texts, normalize_embeddings=True, show_progress_bar=False))
        ratios.append(other / mine)
        speeds.append(len(texts) / mine)
    cosines = (own * theirs).sum(1)
    return {"texts": len(texts), "per second": float(np.median(speeds)), "ratio": float(np.median(ratios)),
            "cosine mean": float(cosines.mean()), "cosine least": float(cosines.min())}  # fmt: skip


def at_size(varied: Varied, size: int, folder: Path, embedder: Embedder) -> dict[str, float]:
    shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, float] = {}
    store = StoreWriter(folder, IDENTITY, create=True)
    with tqdm(total=size, desc=f"recording {size:,} chunks", delay=1) as bar:
        for document, chunks, vectors in varied.documents(size):
            store.put(document, chunks, vectors)
            bar.update(len(chunks))
    found["build search files s"], _ = timed(lambda: refresh_files(store))
    store.close()
    for name, pattern in (("record", "store.sqlite*"), ("lexical", "lexical-*"), ("dense", "dense-*")):
        found[f"disk {name} bytes a chunk"] = sum(path.stat().st_size for path in folder.glob(pattern)) / size
    questions = varied.questions(QUESTIONS)
    found["memory bytes a chunk"] = memory(folder) / size
    found["open s"], retriever = timed(
        lambda: Retriever(DocumentStore(folder, IDENTITY), _Given(dict(questions), embedder), RetrievalSettings())
    )
    found.update(searching(retriever, questions, folder))
    if size <= 100_000:
        found.update(against_bm25(retriever, questions, folder))
    found["add one document s"] = adding(folder, embedder)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def searching(retriever: Retriever, questions: list[tuple[str, np.ndarray]], folder: Path) -> dict[str, float]:
    """Hybrid search with everything but the query embedding, and the dense part's recall against all products in float32."""
    seconds = [retriever.timings["search"] for text, _ in questions if retriever.search(text) or True]
    record, dense = DocumentStore(folder, IDENTITY), retriever._snapshot.dense
    vectors = record.vectors(record.since(0).added).astype(np.float32)
    hits = 0
    for _, vector in questions:
        least = np.partition(vectors @ vector, -10)[-10] - 1e-6  # any of several that equal the tenth will do
        hits += sum(score >= least for _, score in dense.search(vector, 10)[:10])
    return {**milliseconds("hybrid", seconds), "recall@10": hits / (10 * len(questions))}


def against_bm25(retriever: Retriever, questions: list[tuple[str, np.ndarray]], folder: Path) -> dict[str, float]:
    """Lexical search against bm25s and rank-bm25 on the same words, in turns; and the largest difference of scores from rank-bm25."""
    import bm25s
    from rank_bm25 import BM25Okapi

    record, lexical = DocumentStore(folder, IDENTITY), retriever._snapshot.lexical
    ids = record.since(0).added
    texts = [search_terms(text) for text in record.search_texts(ids)]
    fast, slow = bm25s.BM25(method="atire", k1=1.5, b=0.75), BM25Okapi(texts)
    fast.index(texts, show_progress=False)
    places = {id: n for n, id in enumerate(ids.tolist())}
    mine, theirs, oracle, off = [], [], [], 0.0
    for number, (text, _) in enumerate(questions):
        turn = [
            (mine, lambda t=text: lexical.search(t, K)),
            (theirs, lambda t=text: fast.retrieve([search_terms(t)], k=K, show_progress=False)),
        ]
        for seconds, work in turn if number % 2 else turn[::-1]:
            seconds.append(timed(work)[0])
        if number < 20:
            took, scores = timed(lambda t=text: slow.get_scores(search_terms(t)))
            oracle.append(took)
            off = max([off, *(abs(scores[places[id]] - score) for id, score in lexical.search(text, K))])
    return {
        **milliseconds("lexical", mine),
        **milliseconds("bm25s", theirs),
        **milliseconds("rank_bm25", oracle),
        "bm25 largest difference": off,
    }


def adding(folder: Path, embedder: Embedder) -> float:
    """-> seconds to read, chunk, embed and commit a document of one page, and to bring an open snapshot up to date."""
    file = folder / "new.md"
    file.write_text(
        "# A new document\n\n" + "The tide gauge at the eastern pier is read every morning. " * 20, encoding="utf-8"
    )
    store, retriever = (
        StoreWriter(folder, IDENTITY),
        Retriever(DocumentStore(folder, IDENTITY), embedder, RetrievalSettings()),
    )
    seconds, _ = timed(lambda: (ingest(store, embedder, [file], IndexingSettings()), retriever.refresh()))
    if retriever.search("tide gauge at the eastern pier", 1)[0].chunk.document != "new.md":
        raise RuntimeError("the new document is not found")
    store.close()
    return seconds


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """-> seconds, result"""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def milliseconds(name: str, seconds: list[float]) -> dict[str, float]:
    return {
        f"{name} p50 ms": float(np.percentile(seconds, 50)) * 1e3,
        f"{name} p95 ms": float(np.percentile(seconds, 95)) * 1e3,
    }


MEMORY = """
import sys
from pathlib import Path
from rag.index.store import Record
from rag.index.snapshot import open_snapshot
held = lambda: next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
before = held()
snapshot = open_snapshot(Record(Path(sys.argv[1]), {}))
print((held() - before) * 1024)
"""


def memory(folder: Path) -> int:
    """-> bytes that a process of its own takes when it opens the index, mapped files not counted."""
    return int(
        subprocess.run([sys.executable, "-c", MEMORY, str(folder)], capture_output=True, text=True, check=True).stdout
    )


def embedding_line(found: dict[str, float]) -> str:
    return (
        f"embedding: {found['per second']:.0f} texts a second, {found['ratio']:.2f} times plain sentence-transformers; "
        f"cosine to it {found['cosine mean']:.5f} on average, {found['cosine least']:.5f} at least"
    )


def size_lines(size: int, found: dict[str, float]) -> list[str]:
    return [
        f"{size:,} chunks",
        *(f"  {name:28} {value:,.3f}" if value > 1e-3 else f"  {name:28} {value:.1e}" for name, value in found.items()),
    ]
