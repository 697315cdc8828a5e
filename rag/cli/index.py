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
    from rag.index.indexing import IndexingReport
    from rag.index.store import DocumentStore

LEFT_OUT = 3  # exit status: done, but some files were left out


def run_index(args: argparse.Namespace, settings: Settings) -> int:
    from rag.documents.discovery import require_exists
    from rag.factory import check_embedder
    from rag.index.indexing import IndexingSettings, sync
    from rag.index.writer import StoreWriter

    require_exists(args.folder)
    if args.rebuild:
        IndexingSettings.of(settings)  # what can't make another must not cost the one there is
        check_embedder(settings)
        StoreWriter.destroy(args.index)
    return _indexed(args, settings, lambda store, embedder, rules: sync(store, embedder, args.folder, rules))


def run_ingest(args: argparse.Namespace, settings: Settings) -> int:
    from rag.documents.discovery import require_exists
    from rag.index.indexing import ingest

    for path in args.paths:
        require_exists(path)
    return _indexed(args, settings, lambda store, embedder, rules: ingest(store, embedder, args.paths, rules))


def _indexed(args: argparse.Namespace, settings: Settings, work) -> int:
    from rag.factory import open_index_for_writing
    from rag.index.indexing import IndexingSettings

    start = time.perf_counter()
    store, embedder = open_index_for_writing(settings, args.index)
    report: IndexingReport = work(store, embedder, IndexingSettings.of(settings))
    store.close()
    print(
        f"{len(report.added)} documents added, {len(report.changed)} changed, {len(report.renamed)} renamed, {len(report.removed)} removed, "
        f"{report.unchanged} unchanged; {report.chunks} chunks, {report.embedded} of them embedded, in {time.perf_counter() - start:.1f} s"
    )
    for old, new in report.renamed:
        print(f"renamed: {old} is now {new}")
    _hint_at_what_was_taught(report.removed)
    for skipped in report.skipped:
        print(
            f"left out: {skipped.path}: {skipped.reason}{f'; {skipped.remedy}' if skipped.remedy else ''}",
            file=sys.stderr,
        )
    return LEFT_OUT if report.skipped else 0


def run_documents(args: argparse.Namespace, settings: Settings) -> None:
    from rag.documents.discovery import is_gone
    from rag.factory import open_store

    record = open_store(settings, args.index)
    with record.reading():
        counts, known, ids = record.counts(), record.documents(), _matching(record, args.patterns or ["*"])
    for id in ids:
        print(f"{counts[id]:6} chunks  {id}{'  (its file is gone)' if is_gone(Path(known[id][0])) else ''}")


def run_remove(args: argparse.Namespace, settings: Settings) -> None:
    from rag.factory import open_writer
    from rag.index.indexing import remove

    store = open_writer(settings, args.index)
    ids = _matching(store, args.patterns)
    remove(store, ids)
    for id in ids:
        print(f"removed: {id}")
    print("no question finds them any more; rag compact also wipes them from the search files")
    _hint_at_what_was_taught(ids)


def _hint_at_what_was_taught(removed: list[str]) -> None:
    """What the live adapter has learned of a document does not go with it."""
    from rag.factory import live_adapter
    from rag.models.adapters import questions_about

    live = live_adapter() if removed else None
    for id in removed if live else []:
        if count := questions_about(live, [id]):
            print(
                f"the live adapter has learned from {count} questions about {id}: python -m finetune lineage {shlex.quote(id)}; make train makes one without"
            )


def _matching(record: DocumentStore, patterns: list[str]) -> list[str]:
    """-> ids of the documents that a pattern names. Raises StoreError for a pattern that names none."""
    known = list(record.documents())
    found: set[str] = set()
    for pattern in patterns:
        ids = [pattern] if pattern in known else fnmatch.filter(known, pattern)
        if not ids and pattern != "*":
            near = difflib.get_close_matches(pattern, known, 1, 0)
            raise StoreError(
                f"no document is called {pattern!r}{f'; the nearest is {near[0]!r}' if near else ''}: rag documents lists all"
            )
        found.update(ids)
    return sorted(found)


def run_status(args: argparse.Namespace, settings: Settings) -> None:
    from rag.factory import live_adapter, open_store
    from rag.index.snapshot import describe_files

    record = open_store(settings, args.index)
    for name, count in record.size().items():
        print(f"{name}: {count}")
    print(f"on disk: {sum(path.stat().st_size for path in args.index.iterdir()) / 1e6:.1f} MB in {args.index}")
    for line in describe_files(record):
        print(line)
    print(f"live adapter: {live_adapter() or 'none (make train)'}")


def run_compact(args: argparse.Namespace, settings: Settings) -> None:
    from rag.factory import open_writer
    from rag.index.indexing import compact

    before = sum(path.stat().st_size for path in args.index.iterdir()) if args.index.exists() else 0
    store = open_writer(settings, args.index)
    compact(store)
    store.close()
    print(
        f"compacted: {before / 1e6:.1f} MB before, {sum(path.stat().st_size for path in args.index.iterdir()) / 1e6:.1f} MB now"
    )
