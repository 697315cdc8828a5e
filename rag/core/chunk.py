"""TODO docstring of rag.core.chunk."""

from __future__ import annotations

from dataclasses import dataclass

from rag.core.invisible_characters import remove_invisible


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
    def location(self) -> str:
        """File, headings (less the document's title) and page, for people."""
        headings = self.headings[1:] if self.headings[:1] == (self.title,) else self.headings
        parts = [self.document, *headings] + ([f"page {self.page}"] if self.page else [])
        return " > ".join(parts)

    @property
    def embedding_text(self) -> str:
        """What the embedder reads: headings and text. Nothing of the file's name, so that a renamed file keeps its vectors."""
        return remove_invisible(f"{' > '.join(self.headings)}\n{self.text}" if self.headings else self.text)

    @property
    def search_text(self) -> str:
        """What the lexical search reads: the headings, where there are none the title, then the text."""
        return remove_invisible(f"{' > '.join(self.headings or (self.title,))}\n{self.text}")

    def search_offset(self, at: int) -> int:
        """-> where a character of the text stands in `search_text`."""
        return len(self.search_text) - len(remove_invisible(self.text[at:]))
