"""The `rag` commands that list and remove documents of the index."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.settings import Settings
from rag.index.document_names import matching

if TYPE_CHECKING:
    from rag.index.store import DocumentStore


def run_documents(args: argparse.Namespace, settings: Settings) -> None:
    """List the documents of the index."""
    from rag.documents.discovery import is_gone
    from rag.factory import open_store

    store = open_store(settings, args.index)
    with store.reading():
        counts, documents, unread = store.chunk_counts(), store.documents(), store.unread()
    for id in matching(documents, args.patterns) if args.patterns else documents:
        source, digest = documents[id]
        state = "  (its file is gone)" if is_gone(Path(source)) else "" if digest else "  (not read yet: rag index)"
        part = f"  (read in part: rag show {shlex.quote(id)})" if id in unread else ""
        print(f"{counts[id]:6} chunks  {id}{part}{state}")


def run_remove(args: argparse.Namespace, settings: Settings) -> None:
    """Remove documents from the index."""
    from rag.factory import open_writer
    from rag.index.indexing import remove
    from rag.server.state.feedback import forget_left

    store = open_writer(settings, args.index)
    ids = matching(store.documents(), args.patterns)
    remove(store, ids)
    forget_left(args.index)
    for id in ids:
        print(f"removed: {id}")
    print("no question finds them any more; rag compact also deletes their words from the search files")
    print_learned(args.index, ids)


def print_learned(index: Path, removed: list[str]) -> None:
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


def run_status(args: argparse.Namespace, settings: Settings) -> None:
    """Print what the index holds."""
    from rag.factory import live_adapter, open_store
    from rag.index.snapshot import describe_files

    store = open_store(settings, args.index)
    for name, count in store.size().items():
        print(f"{name}: {count}")
    print("documents by folder:")
    for folder, ids in by_folder(store).items():
        print(f"  {len(ids)} of {folder}")
    print(f"on disk: {_megabytes(args.index):.1f} MB in {args.index}")
    for line in describe_files(store):
        print(line)
    print(f"live adapter: {live_adapter(args.index) or 'none promoted (rag adapters shows what answers)'}")


def by_folder(store: DocumentStore) -> dict[Path, list[str]]:
    """Return the ids of each folder's documents, the folder with the most first."""
    from rag.index.rebuilding import Remembered

    sources = {id: source for id, (source, _) in store.documents().items()}
    found = Remembered(sources, store.folders).by_folder()
    return dict(sorted(found.items(), key=lambda each: (-len(each[1]), each[0])))


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
