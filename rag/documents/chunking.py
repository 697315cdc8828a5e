"""Cuts documents into chunks: spans that fit the prompt, each with its headings and page."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from rag.core.chunk import Chunk
from rag.core.sections import ChunkSettings
from rag.documents.document import Document
from rag.documents.identity import SEPARATORS

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter


def chunk_document(document: Document, settings: ChunkSettings) -> list[Chunk]:
    """Return the document's chunks in order; none crosses a heading or a page."""
    chunks = []
    for section in document.sections:
        body = document.text[section.start : section.end]
        for piece in _splitter(settings.size, section.syntax).create_documents([body]):
            text = piece.page_content.strip()  # in chunks of a few characters the splitter leaves white space
            start = section.start + piece.metadata["start_index"] + piece.page_content.find(text)
            if text and not _is_only_heading(text, section.headings):
                end = start + len(text)
                chunks.append(Chunk(document.id, document.title, start, end, text, section.headings, section.page))
    return chunks


@cache
def _splitter(size: int, syntax: str | None) -> RecursiveCharacterTextSplitter:
    """Return what cuts prose after a paragraph, line, sentence or word, and code before a class or function."""
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    if syntax:
        separators = RecursiveCharacterTextSplitter.get_separators_for_language(Language(syntax))
    else:
        separators = [re.escape(separator) for separator in SEPARATORS]
    return RecursiveCharacterTextSplitter(
        separators=[*filter(None, separators), _character()],
        is_separator_regex=True,
        keep_separator="start" if syntax else "end",
        chunk_size=size,
        chunk_overlap=0,
        add_start_index=True,
        strip_whitespace=True,
    )


@cache
def _character() -> str:
    """Return a pattern of one character with all that combines with it; as a last resort, text is cut between those.

    Accents and other marks combine with a character, skin tones with an emoji, and emoji with each other by joiners.
    """
    marks = "".join(c for c in map(chr, range(0x300, 0xFFFF)) if unicodedata.category(c)[0] == "M")
    return rf"(?s:.)(?:[{marks}\u200d\U0001f3fb-\U0001f3ff]|(?<=\u200d)\S){{0,32}}"


def _is_only_heading(text: str, headings: tuple[str, ...]) -> bool:
    if not headings or len(text) > 3 * len(headings[-1]) + 100:
        return False
    words = [line for line in text.splitlines() if re.search(r"\w", line)]  # without lines that underline
    return len(words) == 1 and words[0].strip("# ") == headings[-1]
