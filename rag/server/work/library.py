"""The documents as the server reads them: each request opens the index of its own, and the search is kept open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.errors import StoreError
from rag.core.settings import Settings
from rag.factory import open_retriever, open_store
from rag.index.document_names import matching
from rag.index.store import STORE_FILE
from rag.server.state.folder import uploads_folder

if TYPE_CHECKING:
    from rag.index.store import DocumentStore
    from rag.retrieval.passage import Passage
    from rag.retrieval.retriever import Retriever


class Library:
    """The index of the server."""

    def __init__(self, settings: Settings, index: Path):
        """index: its folder; there may be no index in it yet."""
        self.settings, self.index = settings, index
        self._retriever: Retriever | None = None
        self._file = (0, 0)

    def exists(self) -> bool:
        """Tell whether there is an index."""
        return (self.index / STORE_FILE).exists()

    def is_upload(self, source: str) -> bool:
        """Tell whether a document's file was uploaded to the server."""
        return Path(source).parent == uploads_folder(self.index).resolve()

    @contextmanager
    def reading(self) -> Iterator[DocumentStore]:
        """Open the index, and read one state of it inside. Raises StoreError when there is none."""
        store = open_store(self.settings, self.index)
        try:
            with store.reading():
                yield store
        finally:
            store.close()

    def named(self, names: Sequence[str]) -> list[str] | None:
        """Return the ids of the documents with these names, None for no names. Raises StoreError for unknown ones."""
        if not names:
            return None
        with self.reading() as store:
            return matching(store.documents(), names)

    def retriever(self) -> Retriever:
        """Return the search of the index as it is now. For the model's thread alone."""
        file = _identity(self.index / STORE_FILE)
        if self._retriever and file == self._file:
            try:
                self._retriever.refresh()
                return self._retriever
            except StoreError:  # another embedder was promoted, and has read the passages
                self._retriever = None
        self._retriever = open_retriever(self.settings, self.index)
        self._file = file
        return self._retriever

    def search(self, words: str, k: int, documents: list[str] | None) -> list[Passage]:
        """Return the k best passages for words or a question. For the model's thread alone."""
        return self.retriever().search(words, k, documents)


def _identity(path: Path) -> tuple[int, int]:
    """Return what tells a file from one that has taken its place, as a rebuilt index does."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
