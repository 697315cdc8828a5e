"""Folders of people's questions about documents (a bench: documents/, questions.jsonl), as what ships is trained and measured on."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from rag.core.errors import TrainingError
from rag.core.settings import Settings
from rag.factory import open_index_for_writing, open_retriever
from rag.index.indexing import IndexingSettings, sync
from rag.retrieval.retriever import Retriever


def index_bench(settings: Settings, bench: Path, folder: Path) -> Retriever:
    """-> the serving retriever over the bench's documents, indexed anew in `folder`; without the cross-encoder that ships, which has learned on such
    questions and would make few of the mistakes that it makes elsewhere. Raises TrainingError when it is no bench."""
    if not (bench / "questions.jsonl").exists():
        raise TrainingError(f"{bench} is no bench: documents/ and questions.jsonl are expected")
    place = folder / bench.name
    shutil.rmtree(place, ignore_errors=True)
    store, embedder = open_index_for_writing(settings, place)
    sync(store, embedder, bench / "documents", IndexingSettings.of(settings))
    store.close()
    return open_retriever(settings, place, reranked=False)


def held_out(document: str) -> bool:
    """Whether a document, one in ten by a hash of its title, is left out of all training of what ships: reader, cross-encoder, boundaries and chooser agree,
    whatever folder it comes in."""
    title = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\.\w+$", "", document.lower())).strip("-")
    return int.from_bytes(hashlib.sha256(title.encode()).digest()[:4]) % 10 == 0
