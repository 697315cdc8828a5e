"""The index of an evaluation: it holds the documents of the evaluation and no others."""

from __future__ import annotations

from pathlib import Path

from rag.core.errors import OutdatedIndexError
from rag.core.settings import Settings
from rag.documents.discovery import find_files
from rag.factory import INDEX, open_index_for_writing
from rag.index.indexing import IndexingSettings, remove, sync
from rag.index.writer import StoreWriter


def build_index(settings: Settings, folder: Path, documents: list[Path]) -> None:
    """Index the folders of documents in an index of its own; unchanged documents cost nothing.

    Documents that are gone, or of other folders, leave it. An index of other models or of an earlier chunker is made
    anew, since it holds nothing that is not in the folders. The embedder is the one that is live for var/index.
    """
    try:
        store, embedder = open_index_for_writing(settings, folder, INDEX)
    except OutdatedIndexError:
        StoreWriter.destroy(folder)
        store, embedder = open_index_for_writing(settings, folder, INDEX)
    # The store names files by their resolved path: a link's file may lie elsewhere.
    own = {str(path.resolve()) for target in documents for path, _ in find_files(target)}
    if foreign := [id for id, (source, _) in store.documents().items() if source not in own]:
        remove(store, foreign)
    for target in documents:
        report = sync(store, embedder, target, IndexingSettings.of(settings), remove_most=True)
        for skipped in report.skipped:
            print(f"left out: {skipped.path}: {skipped.reason}")
    store.close()
