"""Mining of one's own documents alone, where the index holds the sample corpus too."""

from __future__ import annotations

from collections.abc import Collection

from rag.core.chunk import Chunk
from rag.core.sections import RetrievalSettings
from rag.retrieval.passage import Passage
from rag.retrieval.retriever import Retriever


class OwnDocuments:
    """A retriever that leaves out some documents of its index: neither questions nor passages come from them."""

    def __init__(self, retriever: Retriever, left_out: Collection[str]):
        """left_out: ids of documents."""
        self.chunks: list[Chunk] = [chunk for chunk in retriever.chunks if chunk.document not in left_out]
        self.settings: RetrievalSettings = retriever.settings
        self._retriever, self._documents = retriever, {chunk.document for chunk in self.chunks}

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        """Return the `k` best passages, as many as are shown to the generator by default."""
        return self._retriever.search(question, k, self._documents)
