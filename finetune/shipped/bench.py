"""A bench: a folder of people's questions (questions.jsonl) about documents (documents/), for what ships.

A row of questions.jsonl has id, question, answers (the acceptable ones, [] where there is none), document, and start:
the answer's first character in the document's text.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines
from rag.core.settings import Settings
from rag.factory import open_index_for_writing, open_retriever
from rag.index.indexing import IndexingSettings, sync
from rag.retrieval.retriever import Retriever


def read_questions(bench: Path) -> list[dict[str, Any]]:
    """Return the rows of a bench's questions. Raises TrainingError when the folder is no bench."""
    path = bench / "questions.jsonl"
    if not path.exists():
        raise TrainingError(f"{bench} is no bench: documents/ and questions.jsonl are expected")
    return read_lines(path)


def bench_files(bench: Path) -> list[Path]:
    """Return the files of a bench, always in the same order: its documents, then its questions."""
    return [*sorted(filter(Path.is_file, (bench / "documents").rglob("*"))), bench / "questions.jsonl"]


def index_bench(settings: Settings, bench: Path, folder: Path, reranked: bool = False) -> Retriever:
    """Index a bench's documents anew, in `folder`, and return the serving retriever over them.

    reranked: whether the reranker orders the passages. It was trained on such questions, and makes fewer mistakes on
    them than elsewhere, but for those about held-out documents. Raises TrainingError when the folder is no bench.
    """
    read_questions(bench)
    index = folder / bench.name
    shutil.rmtree(index, ignore_errors=True)
    store, embedder = open_index_for_writing(settings, index)
    sync(store, embedder, bench / "documents", IndexingSettings.of(settings), remove_most=True)
    store.close()
    return open_retriever(settings, index, reranked=reranked)
