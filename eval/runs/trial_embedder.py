"""An embedder on trial: its vectors of an index's passages are made in memory, and the index stays as it is."""

from __future__ import annotations

from collections.abc import Callable

from tqdm import tqdm

from rag.core.sections import RetrievalSettings
from rag.index.dense import DenseIndex
from rag.index.store import DocumentStore
from rag.models.cross_encoder import Reranker
from rag.models.embedder import Embedder
from rag.retrieval.retriever import Retriever


def trial_retrievers(
    record: DocumentStore, embedder: Embedder, settings: RetrievalSettings
) -> Callable[..., Retriever]:
    """-> what makes a retriever with this embedder, of a class and with a cross-encoder; passages are read for all of them once, where the index holds
    another embedder's vectors."""
    dense = embed_for_trial(record, embedder) if record.delta != embedder.delta else None

    def made(reranker: Reranker | None = None, cls: type[Retriever] = Retriever) -> Retriever:
        return cls(record, embedder, settings, reranker, dense)

    return made


def embed_for_trial(record: DocumentStore, embedder: Embedder) -> DenseIndex:
    """-> dense search over all of the record's chunks by this embedder."""
    with record.reading():
        ids = record.ids()
        chunks = record.chunks(ids)
    with tqdm(total=len(ids), desc="reading passages for the embedder on trial", unit=" passages", delay=1) as bar:
        return DenseIndex.build(ids, embedder.passages([chunks[int(id)].embedding_text for id in ids], bar.update))
