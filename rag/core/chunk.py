"""The chunk: a span of a document, as it is embedded, searched, shown and cited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag.core.invisible_characters import remove_invisible
from rag.core.table_cell import TableCell


@dataclass(frozen=True)
class Chunk:
    """A span of a document: `text` is document.text[start:end].

    document: the document's id. title: the document's. headings: from the top down to the chunk; where the chunk
    begins within a table row, the row's name is the last, or the column's below it. page: from 1, None where the format
    has no pages. cells: of the tables in it, as spans of `text`.
    """

    document: str
    title: str
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    page: int | None
    cells: tuple[TableCell, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Chunk:
        """Return the chunk of which `data` is dataclasses.asdict, also after it went through JSON."""
        cells = tuple(TableCell(**cell) for cell in data.get("cells", ()))
        return cls(**{**data, "headings": tuple(data["headings"]), "cells": cells})

    @property
    def heading_path(self) -> str:
        """Return the headings from the top down, "Fees > Boats"; the document's title where there are none."""
        return " > ".join(self.headings or (self.title,))

    @property
    def location(self) -> str:
        """Return file, headings (less the document's title) and page, for people."""
        headings = self.headings[1:] if self.headings[:1] == (self.title,) else self.headings
        parts = [self.document, *headings] + ([f"page {self.page}"] if self.page else [])
        return " > ".join(parts)

    def row_span(self, row: int) -> tuple[int, int]:
        """Return which characters of `text` the table row of this number has: its line, up to the last cell."""
        spans = [(cell.start, cell.end) for cell in self.cells if cell.row == row]
        return self.text.rfind("\n", 0, min(spans)[0]) + 1, max(spans)[1]

    @property
    def embedding_text(self) -> str:
        """Return what the embedder reads: headings and text.

        Nothing of the file's name is in it, so that a renamed file keeps its vectors.
        """
        return remove_invisible(f"{self.heading_path}\n{self.text}" if self.headings else self.text)

    @property
    def search_text(self) -> str:
        """Return what the lexical search reads: the headings or else the title, then the text."""
        return remove_invisible(f"{self.heading_path}\n{self.text}")

    def search_offset(self, at: int) -> int:
        """Return where in `search_text` the character stands that is `text[at]`."""
        return len(self.search_text) - len(remove_invisible(self.text[at:]))
