"""What is installed, which models, how the index is; each finding with its remedy."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rank_bm25 import BM25Okapi

from rag.core.errors import RagtuneError
from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.core.words import search_terms
from rag.documents.discovery import is_gone
from rag.factory import open_store, reranker_delta
from rag.index.snapshot import describe_files, open_snapshot
from rag.index.store import DocumentStore
from rag.models.device import choose_device, computes_bfloat16
from rag.models.registry import COMPONENTS, live_weights
from rag.models.resolve import find_model

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "bitsandbytes",
    "sentence-transformers",
    "faiss-cpu",
    "rank-bm25",
    "datasets",
    "langchain-text-splitters",
)
COMPARED, LOOKED_AT, TOLERANCE = (
    50_000,
    20,
    1e-6,
)  # chunks up to which BM25 is checked, questions, and how far scores may be off
ROOM = 2e9  # bytes: converted model, index and a run of training


@dataclass(frozen=True)
class Finding:
    """state: "good", "note" (works, could be better) or "bad". remedy: the command or step that mends it."""

    state: str
    what: str
    remedy: str = ""

    def line(self) -> str:
        return f"{self.state:4}  {self.what}{f': {self.remedy}' if self.remedy else ''}"


def examine(settings: Settings, index: Path) -> list[Finding]:
    """-> findings on packages, models, device, room and index, the whole record read and checked."""
    parts: list[Callable[[], Iterator[Finding]]] = [
        _packages, _room, lambda: _models(settings), lambda: _device(settings), lambda: _index(settings, index), lambda: _adapter(),
    ]  # fmt: skip
    found: list[Finding] = []
    for part in parts:
        try:
            found.extend(part())
        except RagtuneError as error:
            what, _, remedy = str(error).rpartition(": ")
            found.append(Finding("bad", what or remedy, remedy if what else ""))
    return found


def _packages() -> Iterator[Finding]:
    python = platform.python_version()
    good = (3, 11) <= sys.version_info < (3, 13)
    yield Finding(
        "good" if good else "bad",
        f"Python {python}",
        "" if good else "install Python 3.11 or 3.12 and make setup PYTHON=python3.11",
    )
    for name in PACKAGES:
        try:
            yield Finding("good", f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("bad", f"{name} is not installed", "make setup")


def _room() -> Iterator[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding(
        "good" if free > ROOM else "note",
        f"{free / 1e9:.1f} GB free on this disk",
        "" if free > ROOM else "free some, training may run out",
    )


def _models(settings: Settings) -> Iterator[Finding]:
    models = settings.section(ModelSettings)
    for role, spec in (
        ("generator", models.generator),
        ("embedder", models.embedder),
        ("reranker", models.cross_encoder),
    ):
        if spec:
            model, changed = (
                find_model(spec, models.hub),
                f" with {reranker_delta(models)}" if spec == "shipped" else "",
            )
            yield Finding("good", f"{role}: {model.name}{changed}, {model.path}, digest {model.digest[:12]}")
        else:
            yield Finding(
                "note", f"no {role}", f"passages keep their fused order; name one with --set model.{role}=..."
            )


def _device(settings: Settings) -> Iterator[Finding]:
    models = settings.section(ModelSettings)
    device, precision = choose_device(models.device, models.precision)
    yield Finding("good", f"device {device} ({os.cpu_count()} CPU cores), precision {precision}")
    if not computes_bfloat16(device):
        yield Finding(
            "note",
            "this device does not compute in bfloat16",
            "everything runs in float32, training about twice as long",
        )


def _index(settings: Settings, folder: Path) -> Iterator[Finding]:
    record = open_store(settings, folder)
    with record.reading():
        yield from _of_record(record, folder)


def _of_record(record: DocumentStore, folder: Path) -> Iterator[Finding]:
    size = record.size()
    yield Finding(
        "good", f"index {folder}: {size['documents']} documents, {size['chunks']} chunks, {size['vectors']} vectors"
    )
    damage = record.damage()
    yield from (Finding("bad", f"the record is damaged ({what})", "rag index FOLDER --rebuild") for what in damage)
    if not damage:
        yield Finding("good", "the record is whole: every page, text and vector was read and checked")
        yield _oracle(record)
    for line in describe_files(record):
        behind = "damaged" in line or "missing" in line
        yield Finding("note" if behind else "good", line, "rag compact" if behind else "")
    gone = [id for id, (source, _) in record.documents().items() if is_gone(Path(source))]
    if gone:
        yield Finding(
            "note",
            f"the files of {len(gone)} documents are gone, {gone[0]} among them",
            "rag index FOLDER takes them out",
        )


def _oracle(record: DocumentStore) -> Finding:
    """BM25 from the search file against rank-bm25 on the same texts, asked for the words of every hundredth chunk, or of LOOKED_AT of them."""
    ids = record.since(0).added
    if len(ids) > COMPARED:
        return Finding("good", f"more than {COMPARED:,} chunks: BM25 is not compared with rank-bm25 here")
    texts = [search_terms(text) for text in record.search_texts(ids)]
    if not any(texts):
        return Finding("note", "the index holds no words", "rag index FOLDER")
    oracle, mine, off = BM25Okapi(texts), open_snapshot(record).lexical, 0.0
    for text in texts[:: max(1, len(texts) // LOOKED_AT)]:
        scores = dict(zip(ids.tolist(), oracle.get_scores(sorted(set(text))[:8]), strict=True))
        off = max([off, *(abs(scores[id] - score) for id, score in mine.search(" ".join(sorted(set(text))[:8]), 50))])
    if off > TOLERANCE:
        return Finding("bad", f"BM25 differs from rank-bm25 by {off:.2g}", "rag compact")
    return Finding(
        "good",
        f"BM25 equals rank-bm25 on {min(len(texts), LOOKED_AT)} questions made from the chunks (largest difference {off:.1g})",
    )


def _adapter() -> Iterator[Finding]:
    for component in COMPONENTS:
        folder = live_weights(component)
        if folder is None:
            yield Finding("note", f"no {component} trained here is live, what ships serves", "make train")
        elif not folder.exists():
            yield Finding("bad", f"the live {component} {folder} is gone", "rag adapters --rollback, or make train")
        else:
            yield Finding("good", f"live {component} {folder}")
