"""Files into the document store: only what is new or changed is read and embedded, one transaction a document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.core.sections import ChunkSettings, DocumentSettings
from rag.core.settings import Settings
from rag.documents.discovery import find_files, is_gone
from rag.index.document_ids import assign_ids, ids_of_moved
from rag.index.indexing_run import IndexingReport, IndexingRun
from rag.index.mass_removal import is_mass_removal
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
        documents = store.documents()
        found = [each for target in targets for each in find_files(target)]
        moved = ids_of_moved(documents, found)
        # A file that is in the index keeps its id there.
        ids = {source: id for id, (source, _) in documents.items() if id not in moved}
        return _add(store, embedder, settings, found, ids, set())


def sync(
    store: StoreWriter,
    embedder: Embedder,
    folder: Path,
    settings: IndexingSettings,
    *,
    in_place_of: Path | None = None,
    remove_most: bool = False,
) -> IndexingReport:
    """Make the index hold what `folder` holds: as `ingest`, and documents of the folder without a file are removed.

    A document of a file that was indexed alone gets the id that it has in the folder. Where so many would be removed
    that the folder may only be empty for a moment (`is_mass_removal`), they stay, and the report says so.
    in_place_of: a folder whose documents leave once there is one of `folder`. remove_most: remove however many.
    """
    with _writing(store):
        inside, before, ids = folder.resolve(), store.documents(), dict[str, str]()
        held, found = _within(inside, before), list(find_files(folder))
        leaving = _within(in_place_of, before) if in_place_of else set()
        linked = {str(path.resolve()) for path, _ in found}  # a link's file may lie outside the folder
        others = {id: before[id] for id in before.keys() - held - leaving if before[id][0] not in linked}
        report = _add(store, embedder, settings, found, ids, others.keys() - ids_of_moved(others, found))
        now = store.documents()
        gone = [id for id in sorted(_within(inside, now)) if ids.get(now[id][0], id) != id or is_gone(Path(now[id][0]))]
        _report_renamed(report, {now[id][1]: id for id in gone}, now)
        renamed = {old for old, _ in report.renamed}
        lost = [id for id in gone if id not in renamed]
        if not remove_most and is_mass_removal([Path(now[id][0]) for id in lost], len(held), inside):
            report.kept[folder] = lost
        else:
            report.removed = lost
        if in_place_of and _within(inside, now):
            report.sample = sorted(_within(in_place_of, now) - _within(inside, now))
        if leave := [*renamed, *report.removed, *report.sample]:
            store.remove(leave)
        if folder.is_dir():
            store.keep_folder(inside)
        return report


def read_awaited(store: StoreWriter, embedder: Embedder, settings: IndexingSettings) -> IndexingReport:
    """Read the documents that the store only knows by name, as after `rag.index.rebuilding.make_anew`."""
    with _writing(store):
        awaited = [(Path(source), id) for id, (source, digest) in store.documents().items() if not digest]
        return IndexingRun(store, embedder, settings.documents, settings.chunks).add(awaited)


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


def _within(folder: Path, documents: dict[str, tuple[str, str]]) -> set[str]:
    """Return the ids of the documents whose files are, or were, in a folder."""
    return {id for id, (source, _) in documents.items() if Path(source).is_relative_to(folder)}


def _add(
    store: StoreWriter,
    embedder: Embedder,
    settings: IndexingSettings,
    found: list[tuple[Path, str]],
    ids: dict[str, str],
    taken: set[str],
) -> IndexingReport:
    """Put files into the store, under ids as `assign_ids` gives them."""
    files = assign_ids(found, ids, taken)
    report = IndexingRun(store, embedder, settings.documents, settings.chunks).add(files)
    relative = {str(path.resolve()): id for path, id in found}
    added = set(report.added)
    report.longer = {id: Path(source) for source, id in ids.items() if id in added and relative.get(source, id) != id}
    return report


def _report_renamed(report: IndexingReport, gone: dict[str, str], documents: dict[str, tuple[str, str]]) -> None:
    """Report an added document as renamed if one with the same bytes is gone. gone: file digest -> document id."""
    for id in list(report.added):
        old = gone.pop(documents[id][1], None)
        if old:
            report.added.remove(id)
            report.renamed.append((old, id))
