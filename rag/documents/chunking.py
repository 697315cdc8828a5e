"""Cuts documents into chunks: spans that fit the prompt, each with its headings and page."""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from rag.core.abbreviations import ABBREVIATIONS
from rag.core.chunk import Chunk
from rag.core.sections import ChunkSettings
from rag.core.table_cell import TableCell
from rag.documents.document import Document
from rag.documents.formats.base.sections import Section
from rag.documents.identity import SENTENCE_END, SEPARATORS

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter


def chunk_document(document: Document, settings: ChunkSettings) -> list[Chunk]:
    """Return the document's chunks in order; none crosses a heading or a page.

    A table row that is longer than a chunk is cut alone, and each further piece has the row's name as its last heading,
    below it the column's where the piece begins within a cell.
    """
    return [chunk for section in document.sections for chunk in _section_chunks(document, section, settings.size)]


def _section_chunks(document: Document, section: Section, size: int) -> Iterator[Chunk]:
    text, splitter = document.text, _splitter(size, section.syntax, bool(section.cells))
    starts, ends = [cell.start for cell in section.cells], [cell.end for cell in section.cells]
    row_starts: dict[int, int] = {}
    for cell in section.cells:
        row_starts.setdefault(cell.row, _line_start(text, cell))
    for first, last in _between_long_rows(text, section, size):
        for start, end in _pieces(text, first, last, splitter):
            if _is_only_heading(text[start:end], section.headings):
                continue
            cells = section.cells[bisect_right(ends, start) : bisect_left(starts, end)]
            inside = (cell.within(start, end) for cell in cells)
            names = _names_within(cells[0], start, row_starts) if cells else ()
            place = (
                document.id,
                document.title,
                start,
                end,
                text[start:end],
                (*section.headings, *names),
                section.page,
            )
            yield Chunk(*place, tuple(filter(None, inside)))


def _names_within(cell: TableCell, start: int, row_starts: dict[int, int]) -> tuple[str, ...]:
    """Return what names the place in a table where a chunk starts with this cell, if its text does not say it."""
    row = cell.row_name if row_starts[cell.row] < start else ""
    column = cell.column if cell.start < start else ""
    return tuple(filter(None, (row, column)))


def _line_start(text: str, cell: TableCell) -> int:
    return text.rfind("\n", 0, cell.start) + 1


def _between_long_rows(text: str, section: Section, size: int) -> Iterator[tuple[int, int]]:
    """Yield spans that make up the section; each row that is longer than `size` is one of its own."""
    at = section.start
    for _, row in itertools.groupby(section.cells, key=lambda cell: cell.row):
        cells = list(row)
        start, end = max(at, _line_start(text, cells[0])), cells[-1].end
        if end - start > size:
            yield at, start
            yield start, end
            at = end
    yield at, section.end


def _pieces(text: str, first: int, last: int, splitter: RecursiveCharacterTextSplitter) -> Iterator[tuple[int, int]]:
    """Yield the spans of text[first:last] that fit into a chunk."""
    for piece in splitter.create_documents([text[first:last]]):
        body = piece.page_content.strip()  # in chunks of a few characters the splitter leaves white space
        start = first + piece.metadata["start_index"] + piece.page_content.find(body)
        if body:
            yield start, start + len(body)


@cache
def _splitter(size: int, syntax: str | None, rows: bool) -> RecursiveCharacterTextSplitter:
    """Return what cuts prose after a paragraph, sentence, line or word, and code before a class or function.

    rows: the text holds table rows, each of which is a line, so lines come before sentences.
    """
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    if syntax:
        separators = RecursiveCharacterTextSplitter.get_separators_for_language(Language(syntax))
    else:
        names = sorted(SEPARATORS, key=lambda name: name.strip("\n") != "") if rows else SEPARATORS
        separators = [_sentence_end() if name == SENTENCE_END else re.escape(name) for name in names]
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
def _sentence_end() -> str:
    """Return a pattern of most ends of sentences: not after initials, abbreviations and numbers of items and days."""
    short = defaultdict(list)
    for word in ABBREVIATIONS:
        short[len(word)].append(re.escape(word))
    no_end = "".join(rf"(?<!\b(?i:{'|'.join(sorted(words))}))" for _, words in sorted(short.items()))
    point = rf"(?<!\b\w){no_end}(?<!\b\d\d)\."
    return rf"(?:{point}|[.?!…]{{2,}}|[?!…])[\"'”’»)\]*_]*\s+(?![a-zà-ÿ])|[。！？؟।۔።]+[”」』）]*\s*"


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
