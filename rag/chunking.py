"""Chunks: spans of a document that fit the prompt, each with its headings and page."""

from __future__ import annotations

import json
from dataclasses import dataclass

from langchain_text_splitters import RecursiveCharacterTextSplitter

from rag.documents import Document

SEPARATORS = ["\n\n", "\n", ". ", "? ", "! ", "; ", " ", ""]


@dataclass(frozen=True)
class ChunkSettings:
    """size: most characters of a chunk. 520 is about 130 tokens, so three passages and the question stay under 500."""

    size: int = 520


@dataclass(frozen=True)
class Chunk:
    """A span of a document. `text` is document.text[start:end]; `headings` and `page` say where it stands."""

    document: str
    title: str
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    page: int | None

    @property
    def place(self) -> str:
        """File, headings and page, for people."""
        parts = [self.document, *self.headings[1:]] + ([f"page {self.page}"] if self.page else [])
        return " > ".join(parts)

    @property
    def searched(self) -> str:
        """What the retriever indexes: the headings, then the text."""
        return f"{' > '.join(self.headings or (self.title,))}\n{self.text}"


def chunk(document: Document, settings: ChunkSettings) -> list[Chunk]:
    """-> the document's chunks in order; none crosses a heading or a page."""
    splitter = RecursiveCharacterTextSplitter(
        separators=SEPARATORS, chunk_size=settings.size, chunk_overlap=0, keep_separator="end", add_start_index=True, strip_whitespace=True
    )
    chunks = []
    for section in document.sections:
        body = document.text[section.start : section.end]
        for piece in splitter.create_documents([body]):
            start = section.start + piece.metadata["start_index"]
            text = piece.page_content
            if _is_only_heading(text, section.headings):
                continue
            chunks.append(Chunk(document.id, document.title, start, start + len(text), text, section.headings, section.page))
    return chunks


def _is_only_heading(text: str, headings: tuple[str, ...]) -> bool:
    return bool(headings) and text.lstrip("# ").strip() == headings[-1]


def identity(settings: ChunkSettings) -> str:
    """What must be equal for two indexes to hold the same chunks of the same documents."""
    return json.dumps({"splitter": "recursive-characters-2", "size": settings.size, "separators": SEPARATORS})
