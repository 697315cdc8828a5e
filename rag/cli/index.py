"""The `rag` commands that change or show the index."""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.errors import StoreError
from rag.core.settings import Settings

if TYPE_CHECKING:
    from rag.index.indexing_run import IndexingReport
    from rag.index.store import DocumentStore

FILES_SKIPPED = 3  # exit status: done, but some files were skipped


def run_index(args: argparse.Namespace, settings: Settings) -> int:
    """Make the index hold the documents of a folder."""
    from rag.documents.discovery import require_exists
    from rag.factory import check_embedder, index_folder
    from rag.index.writer import StoreWriter

    start = time.perf_counter()
    require_exists(args.folder)
    if args.rebuild:
        check_embedder(settings)  # an index is only deleted if a new one can be made
        StoreWriter.destroy(args.index)
    return _print_report(index_folder(args.folder, settings, args.index), args.index, start)


def run_ingest(args: argparse.Namespace, settings: Settings) -> int:
    """Add files, folders or patterns to the index."""
    from rag.documents.discovery import require_exists
    from rag.factory import open_index_for_writing
    from rag.index.indexing import IndexingSettings, ingest

    start = time.perf_counter()
    for path in args.paths:
        require_exists(path)
    store, embedder = open_index_for_writing(settings, args.index)
    report = ingest(store, embedder, args.paths, IndexingSettings.of(settings))
    store.close()
    return _print_report(report, args.index, start)


def _print_report(report: IndexingReport, index: Path, start: float) -> int:
    changes = f"{len(report.added)} added, {len(report.changed)} changed, {len(report.renamed)} renamed"
    documents = f"{changes}, {len(report.removed)} removed, {report.unchanged} unchanged"
    chunks = f"{report.chunks} chunks, {report.embedded} of them embedded"
    print(f"documents: {documents}; {chunks}, in {time.perf_counter() - start:.1f} s")
    for old, new in report.renamed:
        print(f"renamed: {old} is now {new}")
    _print_learned(index, report.removed)
    for skipped in report.skipped:
        remedy = f"; {skipped.remedy}" if skipped.remedy else ""
        print(f"skipped: {skipped.path}: {skipped.reason}{remedy}", file=sys.stderr)
    return FILES_SKIPPED if report.skipped else 0


def run_documents(args: argparse.Namespace, settings: Settings) -> None:
    """List the documents of the index."""
    from rag.documents.discovery import is_gone
    from rag.factory import open_store

    store = open_store(settings, args.index)
    with store.reading():
        counts, documents, ids = store.chunk_counts(), store.documents(), _matching(store, args.patterns or ["*"])
    for id in ids:
        source = Path(documents[id][0])
        print(f"{counts[id]:6} chunks  {id}{'  (its file is gone)' if is_gone(source) else ''}")


def run_remove(args: argparse.Namespace, settings: Settings) -> None:
    """Remove documents from the index."""
    from rag.factory import open_writer
    from rag.index.indexing import remove

    store = open_writer(settings, args.index)
    ids = _matching(store, args.patterns)
    remove(store, ids)
    for id in ids:
        print(f"removed: {id}")
    print("no question finds them any more; rag compact also deletes their words from the search files")
    _print_learned(args.index, ids)


def _print_learned(index: Path, removed: list[str]) -> None:
    """Print what the live adapter has learned from removed documents: it stays in its weights."""
    from rag.factory import live_adapter
    from rag.models.adapters import questions_about
    from rag.models.registry import INDEX

    adapter = live_adapter(index) if removed else None
    if not adapter:
        return
    of_index = "" if index == INDEX else f" --index {shlex.quote(str(index))}"
    for id in removed:
        if count := questions_about(adapter, [id]):
            trace = f"python -m finetune lineage {shlex.quote(id)}{of_index}"
            print(f"the live adapter was trained on {count} questions about {id} ({trace}): make train makes a new one")


def _matching(store: DocumentStore, patterns: list[str]) -> list[str]:
    """Return the ids of the documents that match a pattern. Raises StoreError for a pattern that matches none."""
    known = list(store.documents())
    found: set[str] = set()
    for pattern in patterns:
        ids = [pattern] if pattern in known else fnmatch.filter(known, pattern)
        if not ids and pattern != "*":
            near = difflib.get_close_matches(pattern, known, 1, 0)
            nearest = f"; the nearest is {near[0]!r}" if near else ""
            raise StoreError(f"no document is called {pattern!r}{nearest}: rag documents lists all")
        found.update(ids)
    return sorted(found)


def run_status(args: argparse.Namespace, settings: Settings) -> None:
    """Print what the index holds."""
    from rag.factory import live_adapter, open_store
    from rag.index.snapshot import describe_files

    store = open_store(settings, args.index)
    for name, count in store.size().items():
        print(f"{name}: {count}")
    print(f"on disk: {_megabytes(args.index):.1f} MB in {args.index}")
    for line in describe_files(store):
        print(line)
    print(f"live adapter: {live_adapter(args.index) or 'none promoted (rag adapters shows what answers)'}")


def run_compact(args: argparse.Namespace, settings: Settings) -> None:
    """Rebuild the search files and free the space of removed documents."""
    from rag.factory import open_writer
    from rag.index.indexing import compact

    before = _megabytes(args.index)
    store = open_writer(settings, args.index)
    compact(store)
    store.close()
    print(f"compacted: {before:.1f} MB before, {_megabytes(args.index):.1f} MB now")


def _megabytes(index: Path) -> float:
    """Return the size of the index's own files, without promoted weights."""
    files = index.iterdir() if index.exists() else []
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6
