"""Tables written with pipes as chunks, read and cut as those of files are."""

import hashlib

from fakes import passage
from rag.core.chunk import Chunk
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.document import Document
from rag.documents.formats.sections import Block, assemble
from rag.documents.formats.tables import table_blocks
from rag.retrieval.retriever import Passage
from rag.retrieval.table_rows import Table, find_tables


def table_document(*lines: str, name: str = "list.csv", heading: str = "") -> Document:
    """Return a document that is a table, of which the cells are parted by pipes."""
    blocks = table_blocks([[cell.strip() for cell in line.split("|")] for line in lines])
    text, sections, *_ = assemble([*([Block(heading, 1)] if heading else []), *blocks])
    title = heading or name.split(".")[0]
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(name, f"/nowhere/{name}", title, text, tuple(sections), digest)


def table_chunks(*lines: str, size: int = 520, **more) -> list[Chunk]:
    return chunk_document(table_document(*lines, **more), ChunkSettings(size))


def table(*lines: str, **more) -> Table:
    """Return the one table of these lines."""
    (found,) = find_tables(table_chunks(*lines, **more))
    return found


def prose(text: str, name: str = "notes.md") -> Chunk:
    """Return a passage without a table."""
    return passage(text, name, headings=("Notes",)).chunk


def passages(*chunks: Chunk) -> list[Passage]:
    return [Passage(chunk, 0.0, None) for chunk in chunks]
