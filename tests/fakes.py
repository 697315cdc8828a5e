"""Stand-ins and small builders that several test files use."""

import hashlib
import math
from functools import cache
from pathlib import Path

import numpy as np

from rag.chunking import Chunk, ChunkSettings, chunk
from rag.documents import Document, find_files, read_document
from rag.parsers import parse_markdown
from rag.retrieval import Passage

CORPUS = Path(__file__).parents[1] / "corpus"
INDEXED = [name for _, name in find_files(CORPUS)]
INCOMING = [name for _, name in find_files(CORPUS / "incoming")]


@cache
def corpus_document(name: str) -> Document:
    return read_document(CORPUS / name, name)


class HashEmbedder:
    """Words hashed into 64 dimensions: the same text always gives the same vector, shared words give a larger cosine."""

    digest = "0123456789abcdef"

    def passages(self, texts, on_batch=lambda n: None):
        on_batch(len(texts))
        return np.stack([self.question(text) for text in texts]) if texts else np.zeros((0, 64), np.float32)

    def question(self, text):
        counts = np.bincount([hashlib.sha256(word.encode()).digest()[0] % 64 for word in text.lower().split()], minlength=64)
        return (counts / max(1.0, math.sqrt(int((counts**2).sum())))).astype(np.float32)  # of whole numbers, so the same everywhere


def document(name: str, text: str, source: str = "") -> Document:
    parsed, sections = parse_markdown(text.encode())
    return Document(name, source or f"/nowhere/{name}", name, parsed, tuple(sections), hashlib.sha256(text.encode()).hexdigest())


def put(store, name: str, text: str, size: int = 520) -> None:
    made = document(name, text)
    chunks = chunk(made, ChunkSettings(size))
    store.put(made, chunks, HashEmbedder().passages([c.searched for c in chunks]))


def passage(text: str, name: str = "doc.md", start: int = 0, headings: tuple[str, ...] = ("Title",)) -> Passage:
    return Passage(Chunk(name, "Title", start, start + len(text), text, headings, None), 0.0, None)
