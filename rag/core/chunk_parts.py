"""The parts of a chunk that can be quoted: sentences, and rows of tables."""

from __future__ import annotations

from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans

Span = tuple[int, int]


def row_spans(chunk: Chunk) -> dict[int, Span]:
    """Return which characters of the chunk's text each table row has, by the row's number."""
    return {row: chunk.row_span(row) for row in dict.fromkeys(cell.row for cell in chunk.cells)}


def prose_spans(chunk: Chunk) -> list[Span]:
    """Return which characters each sentence has that is no part of a table row."""
    rows = row_spans(chunk).values()
    return [
        (first, last)
        for first, last in sentence_spans(chunk.text)
        if not any(first < end and start < last for start, end in rows)
    ]
