"""`rag doctor`: checks packages, models, device and index; each finding comes with its remedy."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.models import describe_models
from rag.core.errors import RagtuneError
from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models.registry import COMPONENTS, live_weights

if TYPE_CHECKING:
    from rag.index.store import DocumentStore

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
PYTHON_FROM, PYTHON_BELOW = (3, 11), (3, 13)
DISK_SPACE = 2e9  # bytes: converted model, index and one training run
MAX_COMPARED = 50_000  # chunks up to which BM25 is compared with rank-bm25, which takes seconds then
QUERIES = 20  # made from chunks, to compare the two
QUERY_WORDS = 8
TOLERANCE = 1e-6  # largest difference of two BM25 scores that comes from rounding


@dataclass(frozen=True)
class Finding:
    """One fact about this installation.

    state: "good", "note" (works, but could be better) or "bad". remedy: the command or step that helps.
    """

    state: str
    what: str
    remedy: str = ""

    def line(self) -> str:
        """Return the finding as a line for people."""
        return f"{self.state:4}  {self.what}{f': {self.remedy}' if self.remedy else ''}"


def run_doctor(args: argparse.Namespace, settings: Settings) -> int:
    """Print all findings; the exit status is 1 if one is bad."""
    findings = examine(settings, args.index)
    for finding in findings:
        print(finding.line())
    return int(any(finding.state == "bad" for finding in findings))


def examine(settings: Settings, index: Path) -> list[Finding]:
    """Return the findings on packages, models, device, disk and index; the whole index is read and checked."""
    checks: list[Callable[[], Iterator[Finding]]] = [
        _check_packages,
        _check_disk,
        lambda: _check_models(settings, index),
        lambda: _check_device(settings),
        lambda: _check_index(settings, index),
        lambda: _check_promoted(index),
    ]
    found: list[Finding] = []
    for check in checks:
        try:
            found.extend(check())
        except RagtuneError as error:
            what, _, remedy = str(error).rpartition(": ")
            found.append(Finding("bad", what or remedy, remedy if what else ""))
    return found


def _check_packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    supported = PYTHON_FROM <= sys.version_info < PYTHON_BELOW
    remedy = "" if supported else "install Python 3.11 or 3.12 and make setup PYTHON=python3.11"
    yield Finding("good" if supported else "bad", f"Python {platform.python_version()}", remedy)
    for name in PACKAGES:
        try:
            yield Finding("good", f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("bad", f"{name} is not installed", "make setup")


def _check_disk() -> Iterator[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    enough = free > DISK_SPACE
    remedy = "" if enough else "free some space, training may run out of it"
    yield Finding("good" if enough else "note", f"{free / 1e9:.1f} GB free on this disk", remedy)


def _check_models(settings: Settings, index: Path) -> Iterator[Finding]:
    for role, model in describe_models(settings, index):
        if model:
            yield Finding("good", f"{role}: {model}")
        else:
            yield Finding("note", f"no {role}", f"passages keep their fused order; --set model.{role}=... names one")


def _check_device(settings: Settings) -> Iterator[Finding]:
    from rag.models.device import choose_device, computes_bfloat16

    models = settings.section(ModelSettings)
    device, precision = choose_device(models.device, models.precision)
    yield Finding("good", f"device {device} ({os.cpu_count()} CPU cores), precision {precision}")
    if not computes_bfloat16(device):
        what = "this device does not compute in bfloat16"
        yield Finding("note", what, "everything runs in float32, training takes about twice as long")


def _check_index(settings: Settings, index: Path) -> Iterator[Finding]:
    from rag.factory import open_store

    store = open_store(settings, index)
    with store.reading():
        yield from _check_store(store)
        yield from _check_search_files(store)
        yield from _check_sources(store)


def _check_store(store: DocumentStore) -> Iterator[Finding]:
    size = store.size()
    counts = f"{size['documents']} documents, {size['chunks']} chunks, {size['vectors']} vectors"
    yield Finding("good", f"index {store.folder}: {counts}")
    damage = store.damage()
    for what in damage:
        yield Finding("bad", f"the document store is damaged ({what})", "rag index FOLDER --rebuild")
    if not damage:
        yield Finding("good", "the document store is intact: every page, text and vector was read and checked")
        yield _compare_bm25(store)


def _check_search_files(store: DocumentStore) -> Iterator[Finding]:
    from rag.index.snapshot import describe_files

    for line in describe_files(store):
        fault = "damaged" in line or "missing" in line
        yield Finding("note" if fault else "good", line, "rag compact" if fault else "")


def _check_sources(store: DocumentStore) -> Iterator[Finding]:
    from rag.documents.discovery import is_gone

    gone = [id for id, (source, _) in store.documents().items() if is_gone(Path(source))]
    if gone:
        what = f"the files of {len(gone)} documents are gone, such as {gone[0]}"
        yield Finding("note", what, "rag index FOLDER removes them")


def _compare_bm25(store: DocumentStore) -> Finding:
    """Compare our BM25 scores with rank-bm25's on the same texts, for queries made from evenly spaced chunks."""
    from rank_bm25 import BM25Okapi

    from rag.core.words import search_terms
    from rag.index.snapshot import open_snapshot

    ids = store.ids().tolist()
    if len(ids) > MAX_COMPARED:
        return Finding("good", f"more than {MAX_COMPARED:,} chunks: BM25 is not compared with rank-bm25")
    texts = [search_terms(text) for text in store.search_texts(store.ids())]
    if not any(texts):
        return Finding("note", "the index holds no words", "rag index FOLDER")
    reference, ours = BM25Okapi(texts), open_snapshot(store).lexical
    queries = [sorted(set(text))[:QUERY_WORDS] for text in texts[:: max(1, len(texts) // QUERIES)]]
    difference = 0.0
    for words in queries:
        expected = dict(zip(ids, reference.get_scores(words), strict=True))
        found = ours.search(" ".join(words), 50)
        difference = max([difference, *(abs(expected[id] - score) for id, score in found)])
    if difference > TOLERANCE:
        return Finding("bad", f"BM25 differs from rank-bm25 by {difference:.2g}", "rag compact")
    what = f"BM25 equals rank-bm25 on {len(queries)} queries made from the chunks (largest difference {difference:.1g})"
    return Finding("good", what)


def _check_promoted(index: Path) -> Iterator[Finding]:
    for component in COMPONENTS:
        folder = live_weights(index, component)
        if folder is None:
            yield Finding("note", f"no trained {component} is live, the shipped one serves", "make train")
        elif not folder.exists():
            yield Finding("bad", f"the live {component} {folder} is gone", "rag adapters --rollback, or make train")
        else:
            yield Finding("good", f"live {component} {folder}")
