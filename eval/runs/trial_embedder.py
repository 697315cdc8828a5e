"""Searching with an embedder on trial: its vectors of the passages are made in memory, and the index stays as it is."""

from __future__ import annotations

from typing import Protocol

from tqdm import tqdm

from rag.core.sections import RetrievalSettings
from rag.index.dense import DenseIndex
from rag.index.store import DocumentStore
from rag.models.embedder import Embedder
from rag.retrieval.reranking import Reranker
from rag.retrieval.retriever import Retriever


class OpenRetriever(Protocol):
    """Makes a retriever of a class, with a reranker or without one."""

    def __call__(self, reranker: Reranker | None = None, cls: type[Retriever] = Retriever) -> Retriever:
        """Return the retriever."""


def trial_retrievers(store: DocumentStore, embedder: Embedder, settings: RetrievalSettings) -> OpenRetriever:
    """Return a function that makes retrievers with this embedder.

    Where the index holds another embedder's vectors, the passages are embedded once, for all of these retrievers.
    """
    dense = embed_for_trial(store, embedder) if store.delta != embedder.delta else None

    def open_retriever(reranker: Reranker | None = None, cls: type[Retriever] = Retriever) -> Retriever:
        return cls(store, embedder, settings, reranker, dense)

    return open_retriever


def embed_for_trial(store: DocumentStore, embedder: Embedder) -> DenseIndex:
    """Return a dense index of all chunks of the store by this embedder."""
    with store.reading():
        ids = store.ids()
        chunks = store.chunks(ids)
    with tqdm(total=len(ids), desc="embedding passages for the embedder on trial", unit=" passages", delay=1) as bar:
        return DenseIndex.build(ids, embedder.passages([chunks[int(id)].embedding_text for id in ids], bar.update))
