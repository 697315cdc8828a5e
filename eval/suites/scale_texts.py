"""Real text at any scale: the standard library's documentation in chunks, repeated with variation."""

from __future__ import annotations

import ast
import pydoc_data.topics
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rag.core.chunk import Chunk
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.document import Document
from rag.documents.formats.base.sections import Section

CHANGED = 0.15  # share of the longer words that a variation replaces; it replaces every number
# Length of the random vector that is added to a varied chunk's own before both are normalized: cosine about 0.94.
MOVED = 0.35


def real_chunks() -> list[Chunk]:
    """Return chunks of `pydoc_data.topics` and of the standard library's docstrings, each text once, in order."""
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [*pydoc_data.topics.topics.values(), *(text for path in modules for text in _docstrings(path))]
    found: dict[str, Chunk] = {}
    for number, text in enumerate(texts):
        document = Document(f"{number}", "", "", text, (Section(0, len(text)),), "")
        found.update({c.text: c for c in chunk_document(document, ChunkSettings()) if len(c.text) > 80})
    return list(found.values())


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text


class VariedChunks:
    """Any number of chunks: the real ones, then variations of them, whose vectors move as little as their words."""

    def __init__(self, chunks: list[Chunk], vectors: np.ndarray):
        """vectors: (len(chunks), dimension), normalized."""
        self._texts, self._vectors = [c.text for c in chunks], vectors
        self._words = sorted({word for text in self._texts for word in re.findall(r"[A-Za-z_]{6,}", text)})

    def documents(self, count: int, each: int = 100) -> Iterator[tuple[Document, list[Chunk], np.ndarray]]:
        """Yield documents of `each` chunks, `count` chunks in all, with the chunks and their vectors."""
        rng, noise = random.Random(0), np.random.default_rng(0)
        for first in range(0, count, each):
            numbers = range(first, min(first + each, count))
            texts = [self._text(n, rng) for n in numbers]
            vectors = np.stack([self._vector(n, noise) for n in numbers])
            yield *_document(f"document-{first // each:05}.txt", texts), vectors

    def _text(self, n: int, rng: random.Random) -> str:
        text = self._texts[n % len(self._texts)]
        if n < len(self._texts):
            return text
        text = re.sub(r"\d+", lambda m: str(rng.randrange(10 ** len(m[0]))), text)
        text = re.sub(r"[A-Za-z_]{6,}", lambda m: rng.choice(self._words) if rng.random() < CHANGED else m[0], text)
        return f"{text} {n}"  # so that no two are the same text, which would be stored once

    def _vector(self, n: int, noise: np.random.Generator) -> np.ndarray:
        vector = self._vectors[n % len(self._vectors)]
        if n < len(self._vectors):
            return vector
        step = noise.normal(size=len(vector))
        moved = vector + MOVED * step / np.linalg.norm(step)
        return (moved / np.linalg.norm(moved)).astype(np.float32)

    def questions(self, count: int) -> list[tuple[str, np.ndarray]]:
        """Return questions: eight words of a random chunk in their order, and a vector near that chunk's."""
        rng, noise = random.Random(1), np.random.default_rng(1)
        found: list[tuple[str, np.ndarray]] = []
        while len(found) < count:
            n = rng.randrange(len(self._texts))
            words = self._texts[n].split()
            if len(words) > 12:
                at = rng.randrange(len(words) - 8)
                found.append((" ".join(words[at : at + 8]), self._vector(n + len(self._vectors), noise)))
        return found


def _document(name: str, texts: list[str]) -> tuple[Document, list[Chunk]]:
    chunks, at = [], 0
    for text in texts:
        chunks.append(Chunk(name, name, at, at + len(text), text, (), None))
        at += len(text) + 2
    whole = "\n\n".join(texts)
    return Document(name, f"/{name}", name, whole, (Section(0, len(whole)),), name), chunks
