"""Which folders an index is made from, and bringing it up to date with them."""

from __future__ import annotations

from pathlib import Path

from rag.core.errors import DocumentError, StoreError
from rag.documents.discovery import Skipped, find_files, is_gone, require_exists
from rag.index.indexing import IndexingSettings, read_awaited, sync
from rag.index.indexing_run import IndexingReport
from rag.index.mass_removal import is_mass_removal
from rag.index.rebuilding import Remembered
from rag.index.sample import SAMPLE, is_sample
from rag.index.store import rag_command
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder


def choose_folders(named: list[Path], held: Remembered | None, rebuild: bool) -> list[Path]:
    """Return the folders to index: those that are named, else those that the index was made from, else the sample.

    held: what the index holds, None if that can't be read. rebuild: whether it is made anew, for which single files are
    enough. Raises DocumentError when a folder does not exist or has no
    file, and no document of it is in the index; StoreError when no folder is known.
    """
    for folder in named:
        require_exists(folder)
        if not any(find_files(folder)) and not (held and _documents_in(folder.resolve(), held)):
            raise DocumentError(f"there is no file in {folder}", "name a folder with documents")
    if named or held and held.folders:
        return named or (held.folders if held else [])
    if held is None:
        raise StoreError("the index can't be read to see what it was made from: rag index FOLDER --rebuild")
    if held.documents and rebuild:
        return []
    if held.documents or not SAMPLE.is_dir():
        what = "the index was made from single files" if held.documents else "there is no index yet"
        raise StoreError(f"{what}, and no folder is named: rag index FOLDER")
    return [SAMPLE]


def documents_to_read_again(folders: list[Path], held: Remembered) -> dict[str, str]:
    """Return what of an index is read again when it is made anew: id -> path, of all whose file is there.

    Documents of the sample corpus are left out where other folders are indexed.
    """
    left_out = _sample_leaves(folders)
    there = {id: source for id, source in held.documents.items() if not is_gone(Path(source))}
    return {id: source for id, source in there.items() if not (left_out and is_sample(source))}


def mass_loss(held: Remembered) -> dict[Path, list[str]]:
    """Return, by folder, the documents that an index loses when it is made anew, where they are so many."""
    found = {}
    for folder, ids in held.by_folder().items():
        gone = [id for id in ids if is_gone(Path(held.documents[id]))]
        if is_mass_removal([Path(held.documents[id]) for id in gone], len(ids), folder):
            found[folder] = gone
    return found


def update_folders(
    store: StoreWriter, embedder: Embedder, folders: list[Path], settings: IndexingSettings, remove_most: bool
) -> IndexingReport:
    """Make the index hold the documents of the folders, and read what it knows only by name.

    Documents of other folders stay, but those of the sample corpus. A folder that is not there is in the report.
    """
    report = IndexingReport()
    in_place_of = SAMPLE if _sample_leaves(folders) else None
    for folder in folders:
        try:
            require_exists(folder)
        except DocumentError as error:
            report.skipped.append(
                Skipped(folder, f"{error.reason}; its documents stay", rag_command(store.folder, "remove", folder))
            )
            continue
        report.join(sync(store, embedder, folder, settings, in_place_of=in_place_of, remove_most=remove_most))
    report.join(read_awaited(store, embedder, settings))
    return report


def _sample_leaves(folders: list[Path]) -> bool:
    return not any(is_sample(folder.resolve()) for folder in folders)


def _documents_in(folder: Path, held: Remembered) -> list[str]:
    return [id for id, source in held.documents.items() if Path(source).is_relative_to(folder)]
