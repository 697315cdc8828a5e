"""Documents into the store: only what is new or changed is read and embedded, one transaction a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from rag.chunking import Chunk, ChunkSettings, chunk
from rag.documents import Document, Skipped, find_files, read_document
from rag.embedder import Embedder
from rag.errors import DocumentError
from rag.store import Store

GROUP = 256  # chunks embedded together: enough for even batches, few enough that a kill loses seconds


@dataclass
class Report:
    """What an indexing run did: document ids, and files left out with the reason."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    chunks: int = 0
    skipped: list[Skipped] = field(default_factory=list)


def ingest(store: Store, embedder: Embedder, targets: list[Path], settings: ChunkSettings) -> Report:
    """Add the files under `targets`; unreadable ones are listed in the report. Raises DocumentError when a target does not exist."""
    report, known = Report(), store.documents()
    work = [(d, chunk(d, settings)) for target in targets for d in _changed(known, target, report)]
    report.chunks = sum(len(chunks) for _, chunks in work)
    with tqdm(total=report.chunks, desc="embedding", unit=" chunks", disable=not work, delay=1) as bar:
        for group in _groups(work):
            vectors = embedder.passages([c.searched for _, chunks in group for c in chunks], bar.update)
            _put(store, group, vectors)
    return report


def sync(store: Store, embedder: Embedder, folder: Path, settings: ChunkSettings) -> Report:
    """Like ingest, and documents whose file in `folder` is gone leave the index."""
    report = ingest(store, embedder, [folder], settings)
    inside = folder.resolve()
    gone = [id for id, (source, _) in store.documents().items() if Path(source).is_relative_to(inside) and not Path(source).exists()]
    if gone:
        store.remove(gone)
    report.removed = gone
    return report


def _changed(known: dict[str, tuple[str, str]], target: Path, report: Report) -> list[Document]:
    """-> the documents that are not in `known` as they are now; `known`, as the store gives it, is brought up to date with them."""
    documents = []
    for path, id in find_files(target):
        source, _ = known.get(id, ("", ""))
        try:
            if source and source != str(path.resolve()) and Path(source).exists():
                raise DocumentError(f"the index has another document of this name, {source}")
            document = read_document(path, id)
        except DocumentError as error:
            report.skipped.append(Skipped(path, str(error)))
            continue
        if known.get(id) == (document.source, document.digest):
            report.unchanged += 1
        else:
            (report.changed if id in known else report.added).append(id)
            documents.append(document)
            known[id] = (document.source, document.digest)
    return documents


def _groups(work: list[tuple[Document, list[Chunk]]]) -> list[list[tuple[Document, list[Chunk]]]]:
    groups: list[list[tuple[Document, list[Chunk]]]] = []
    size = GROUP
    for item in work:
        if size >= GROUP:
            groups.append([])
            size = 0
        groups[-1].append(item)
        size += len(item[1])
    return groups


def _put(store: Store, group: list[tuple[Document, list[Chunk]]], vectors: np.ndarray) -> None:
    at = 0
    for document, chunks in group:
        store.put(document, chunks, vectors[at : at + len(chunks)])
        at += len(chunks)
