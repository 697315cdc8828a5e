"""`rag show`: a document as it was read, which is what search and the model see."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.cli.show_text import chunk_cells, document_text
from rag.core.chunk import Chunk
from rag.core.errors import DocumentError, StoreError
from rag.core.sections import ChunkSettings, DocumentSettings
from rag.core.settings import Settings
from rag.index.document_names import matching

if TYPE_CHECKING:
    from rag.index.store import DocumentStore


@dataclass(frozen=True)
class ShownDocument:
    """A document with its chunks. note: what is to be said about its file, "" if nothing."""

    id: str
    title: str
    source: str
    text: str
    chunks: Sequence[Chunk]
    unread: Sequence[str]
    note: str = ""


def run_show(args: argparse.Namespace, settings: Settings) -> None:
    """Print a document of the index, or a file that is not in it."""
    document = _document(args, settings)
    if args.chunk is not None and not 1 <= args.chunk <= len(document.chunks):
        raise DocumentError(f"{document.id} has the chunks 1 to {len(document.chunks)}, and no {args.chunk}")
    if args.json:
        print(json.dumps(_as_dict(document, args.chunk), ensure_ascii=False, indent=2))
    elif args.chunk is not None:
        chunk = document.chunks[args.chunk - 1]
        print("\n".join((chunk.location, "", chunk.text, *chunk_cells(chunk))))
    else:
        _print_whole(document)


def _print_whole(document: ShownDocument) -> None:
    count = f"{len(document.chunks)} chunk{'' if len(document.chunks) == 1 else 's'}"
    read = "; read in part: the last lines say what is missing" if document.unread else ""
    print(f"{document.id}: {document.title}")
    print(f"file: {document.source}{f' ({document.note})' if document.note else ''}")
    print(f"{count}, {len(document.text):,} characters{read}\n")
    for line in document_text(document.text, document.chunks):
        print(line)
    for line in document.unread:
        print(f"not read: {line}")


def _as_dict(document: ShownDocument, chunk: int | None) -> dict[str, Any]:
    numbered = [(n, each) for n, each in enumerate(document.chunks, 1) if chunk in (None, n)]
    chunks = [{"number": n, **_chunk_dict(each)} for n, each in numbered]
    place = {"document": document.id, "title": document.title, "source": document.source}
    return {**place, "unread": list(document.unread), "chunks": chunks}


def _chunk_dict(chunk: Chunk) -> dict[str, Any]:
    cells = [
        {"row": cell.row, "row_name": cell.row_name, "column": cell.column, "value": chunk.text[cell.start : cell.end]}
        for cell in chunk.cells
    ]
    place = {"start": chunk.start, "end": chunk.end, "headings": list(chunk.headings), "page": chunk.page}
    return {**place, "text": chunk.text, "cells": cells}


def _document(args: argparse.Namespace, settings: Settings) -> ShownDocument:
    """Return the document that is named. Raises StoreError where none is, or several are."""
    from rag.factory import open_store

    path = Path(args.document).expanduser()
    try:
        store = open_store(settings, args.index)
    except StoreError:
        if not path.is_file():
            raise
        return _read(path, settings)
    with store.reading():
        documents = store.documents()
        if path.is_file() and str(path.resolve()) not in {source for source, _ in documents.values()}:
            return _read(path, settings)
        return _stored(store, _only_one(documents, args.document))


def _only_one(documents: dict[str, tuple[str, str]], name: str) -> str:
    ends = [id for id in documents if id == name or id.endswith(f"/{name}")]
    found = ends or matching(documents, [name])
    if len(found) > 1:
        some = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
        raise StoreError(f"{len(found)} documents are called {name!r}: name one of {some}")
    return found[0]


def _stored(store: DocumentStore, id: str) -> ShownDocument:
    from rag.documents.discovery import is_gone

    source, _ = store.documents()[id]
    chunks, unread = store.chunks_of(id), store.unread().get(id, ())
    title = chunks[0].title if chunks else id
    note = "its file is gone" if is_gone(Path(source)) else ""
    return ShownDocument(id, title, source, store.text(id), chunks, unread, note)


def _read(path: Path, settings: Settings) -> ShownDocument:
    """Read a file that is not in the index."""
    from rag.documents.chunking import chunk_document
    from rag.documents.document import read_document

    print("not in the index: shown as it would be read (rag ingest adds it)", file=sys.stderr)
    found = read_document(path, path.name, settings.section(DocumentSettings))
    chunks = chunk_document(found, settings.section(ChunkSettings))
    return ShownDocument(found.id, found.title, found.source, found.text, chunks, found.unread, "not in the index")
