"""Files into the document store: only what is new or changed is read and embedded, one transaction a document."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.core.sections import ChunkSettings, DocumentSettings
from rag.core.settings import Settings
from rag.documents.discovery import find_files, is_gone
from rag.index.indexing_run import IndexingReport, IndexingRun
from rag.index.snapshot import delete_files_ahead, delete_leftovers, refresh_files
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder


@dataclass(frozen=True)
class IndexingSettings:
    """How files become chunks."""

    documents: DocumentSettings = DocumentSettings()
    chunks: ChunkSettings = ChunkSettings()

    @classmethod
    def of(cls, settings: Settings) -> IndexingSettings:
        """Return the user's sections "documents" and "chunk"."""
        return cls(settings.section(DocumentSettings), settings.section(ChunkSettings))


def ingest(store: StoreWriter, embedder: Embedder, targets: list[Path], settings: IndexingSettings) -> IndexingReport:
    """Add the files under `targets`, and update those that changed.

    Files that can't be read are listed in the report. Raises DocumentError when a target does not exist.
    """
    with _writing(store):
        # A file that is in the index keeps its id there.
        ids = {source: id for id, (source, _) in store.documents().items()}
        files = _with_ids(ids, (found for target in targets for found in find_files(target)))
        return IndexingRun(store, embedder, settings.documents, settings.chunks, ids).add(files)


def sync(store: StoreWriter, embedder: Embedder, folder: Path, settings: IndexingSettings) -> IndexingReport:
    """Make the index hold what `folder` holds: as `ingest`, and documents of the folder without a file are removed.

    A document of a file that was indexed alone gets the id that it has in the folder.
    """
    with _writing(store):
        ids: dict[str, str] = {}
        files = _with_ids(ids, find_files(folder))
        report = IndexingRun(store, embedder, settings.documents, settings.chunks, ids).add(files)
        inside, now = folder.resolve(), store.documents()
        gone = [
            id
            for id, (source, _) in now.items()
            if Path(source).is_relative_to(inside) and (ids.get(source, id) != id or is_gone(Path(source)))
        ]
        if gone:
            store.remove(gone)
        _report_renamed(report, {now[id][1]: id for id in gone}, now)
        renamed = {old for old, _ in report.renamed}
        report.removed = [id for id in gone if id not in renamed]
        return report


def remove(store: StoreWriter, ids: list[str]) -> None:
    """Remove the documents from the store, and so from every search."""
    with _writing(store):
        store.remove(ids)


def compact(store: StoreWriter) -> None:
    """Make the search index files anew and give back the room of what was removed. Answers stay the same."""
    with store.writing():
        store.clean(refresh_files(store, always=True))
        delete_leftovers(store)


@contextmanager
def _writing(store: StoreWriter) -> Iterator[None]:
    with store.writing():
        delete_files_ahead(store)
        yield
        refresh_files(store)


def _with_ids(ids: dict[str, str], found: Iterable[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Return each file with the id that it has or gets. A file's own id comes before that of a link to it.

    ids: source -> document id, of files that have one; those of the others are added.
    """
    own_first = sorted(found, key=lambda each: os.path.islink(each[0]))
    return [(path, ids.setdefault(str(path.resolve()), id)) for path, id in own_first]


def _report_renamed(report: IndexingReport, gone: dict[str, str], documents: dict[str, tuple[str, str]]) -> None:
    """Report an added document as renamed if one with the same bytes is gone. gone: file digest -> document id."""
    for id in list(report.added):
        old = gone.pop(documents[id][1], None)
        if old:
            report.added.remove(id)
            report.renamed.append((old, id))
