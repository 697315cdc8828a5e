"""Documents into the record: only what is new or changed is read and embedded, one transaction a document."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from rag.core.chunk import Chunk
from rag.core.errors import DocumentError, StoreError
from rag.core.sections import ChunkSettings, DocumentSettings
from rag.core.settings import Settings
from rag.documents.chunking import chunk_document
from rag.documents.discovery import Skipped, find_files, is_gone, load_bytes
from rag.documents.document import Document, parse_document
from rag.index.snapshot import delete_leftovers, drop_files_ahead, refresh_files
from rag.index.writer import StoreWriter
from rag.models.embedder import Embedder

GROUP = 1024  # chunks embedded together: enough for batches of one length, few enough that a kill loses seconds


@dataclass
class IndexingReport:
    """What an indexing run did: document ids (renamed: old and new), chunks in all and how many of them were embedded, files left out."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    chunks: int = 0
    embedded: int = 0
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True)
class IndexingSettings:
    """How files become chunks."""

    documents: DocumentSettings = DocumentSettings()
    chunks: ChunkSettings = ChunkSettings()

    @classmethod
    def of(cls, settings: Settings) -> IndexingSettings:
        """-> the user's rules: the sections "documents" and "chunk"."""
        return cls(settings.section(DocumentSettings), settings.section(ChunkSettings))


def ingest(store: StoreWriter, embedder: Embedder, targets: list[Path], rules: IndexingSettings) -> IndexingReport:
    """Add the files under `targets`; unreadable ones are listed in the report. Raises DocumentError when a target does not exist."""
    with _writing(store):
        names = {
            source: id for id, (source, _) in store.documents().items()
        }  # a file that is in the index keeps its name there
        return _add(
            store, embedder, _named(names, (found for target in targets for found in find_files(target))), names, rules
        )


def sync(store: StoreWriter, embedder: Embedder, folder: Path, rules: IndexingSettings) -> IndexingReport:
    """Like ingest, and documents whose file in `folder` is gone, or has its place in the folder as its name now, leave the index."""
    with _writing(store):
        names: dict[str, str] = {}
        report = _add(store, embedder, _named(names, find_files(folder)), names, rules)
        inside, now = folder.resolve(), store.documents()
        gone = [
            id for id, (source, _) in now.items()
            if Path(source).is_relative_to(inside) and (names.get(source, id) != id or is_gone(Path(source)))
        ]  # fmt: skip
        if gone:
            store.remove(gone)
        _tell_renamed(report, {now[id][1]: id for id in gone}, now)
        renamed = {old for old, _ in report.renamed}
        report.removed = [id for id in gone if id not in renamed]
        return report


def remove(store: StoreWriter, ids: list[str]) -> None:
    """Take the documents out of the record, and so of every search."""
    with _writing(store):
        store.remove(ids)


def compact(store: StoreWriter) -> None:
    """Make the search files anew and give back the room of what was removed, there and in the record. Answers stay the same."""
    with store.writing():
        store.clean(refresh_files(store, always=True))
        delete_leftovers(store)


@contextmanager
def _writing(store: StoreWriter) -> Iterator[None]:
    with store.writing():
        drop_files_ahead(store)
        yield
        refresh_files(store)


def _named(names: dict[str, str], found: Iterable[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """names: source -> document id, of files that have one, and then of all. -> the files with their ids; one met twice has one, its own before a link's."""
    return [
        (path, names.setdefault(str(path.resolve()), id))
        for path, id in sorted(found, key=lambda each: os.path.islink(each[0]))
    ]


def _tell_renamed(report: IndexingReport, gone: dict[str, str], documents: dict[str, tuple[str, str]]) -> None:
    """gone: digest -> id of documents that left. An added document with such a digest is one of them under a new name."""
    for id in list(report.added):
        old = gone.pop(documents[id][1], None)
        if old:
            report.added.remove(id)
            report.renamed.append((old, id))


def _add(
    store: StoreWriter,
    embedder: Embedder,
    files: list[tuple[Path, str]],
    names: dict[str, str],
    rules: IndexingSettings,
) -> IndexingReport:
    if store.delta != embedder.delta:  # while this process waited for its turn
        raise StoreError(f"another embedder has read the passages of {store.folder} meanwhile: run the command again")
    report = IndexingReport()
    with tqdm(total=sum(_size(path) for path, _ in files), desc="indexing", unit="B", unit_scale=True, delay=1) as bar:
        group, waiting = [], 0

        def done(size: float) -> None:
            bar.update(min(size, bar.total - bar.n))

        for document, size in _changed(store, files, names, report, rules, done):
            chunks = chunk_document(document, rules.chunks)
            group.append((document, chunks, size))
            waiting += len(chunks)
            if waiting >= GROUP:
                _put(store, embedder, group, report, done)
                group, waiting = [], 0
        _put(store, embedder, group, report, done)
    return report


def _require_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DocumentError("its name is not UTF-8", "rename it") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it will tell


def _changed(
    store: StoreWriter,
    files: list[tuple[Path, str]],
    names: dict[str, str],
    report: IndexingReport,
    rules: IndexingSettings,
    done: Callable[[float], object],
) -> Iterator[tuple[Document, int]]:
    """-> the documents that the record does not hold as they are now, and their files' sizes."""
    known = store.documents()
    for path, id in files:
        source, digest = known.get(id, ("", ""))
        size = _size(path)
        try:
            if source and source != str(path.resolve()) and names.get(source, id) == id and not is_gone(Path(source)):
                raise DocumentError(
                    f"the index has another document of this name, {source}",
                    "rename one, or index a folder that holds both",
                )
            _require_name(f"{path.resolve()} {id}")
            data = load_bytes(path, rules.documents)
            now = hashlib.sha256(data).hexdigest()
            if (source, digest) == (str(path.resolve()), now):
                report.unchanged += 1
                done(size)
                continue
            document = parse_document(path, id, data, rules.documents)
        except DocumentError as error:
            kept = "; the earlier version stays in the index" if source == str(path.resolve()) else ""
            report.skipped.append(Skipped(path, error.reason + kept, error.remedy))
            done(size)
            continue
        (report.changed if id in known else report.added).append(id)
        known[id] = (document.source, document.digest)
        yield document, size


def _put(
    store: StoreWriter,
    embedder: Embedder,
    group: list[tuple[Document, list[Chunk], int]],
    report: IndexingReport,
    done: Callable[[float], object],
) -> None:
    """Embed what has no vector yet, piece by piece, each kept at once; then put the documents in."""
    chunks, size = [c for _, found, _ in group for c in found], sum(size for _, _, size in group)
    new = store.without_vector(chunks)
    for at in range(0, len(new), GROUP):
        piece = new[at : at + GROUP]
        store.keep_vectors(
            piece, embedder.passages([c.embedding_text for c in piece], lambda n: done(size * n / len(new)))
        )
    for document, found, _ in group:
        store.put(document, found)
    if not new:
        done(size)
    report.chunks += len(chunks)
    report.embedded += len(new)
