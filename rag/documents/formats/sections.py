"""What every reader of a format returns: text, and sections of it with headings, pages and the syntax of code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from rag.core.invisible_characters import remove_invisible


@dataclass(frozen=True)
class Section:
    """A span of characters under one heading path, on one page or slide (from 1) where the format has them.

    syntax: the programming language of the span, as `rag.documents.formats.source_code` names it, None for prose.
    """

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    syntax: str | None = None


@dataclass(frozen=True)
class Block:
    """A paragraph, table row or heading of a structured format. level: 0 for body text, from 1 down for headings."""

    text: str
    level: int = 0
    page: int | None = None


class Heading(NamedTuple):
    """Where a heading starts, its level from 1 down, and its words."""

    start: int
    level: int
    words: str


Parsed = tuple[str, list[Section]]
HeadingPath = list[tuple[int, str]]  # the headings above a place from the top down, each with its level


def sections_between(text: str, headings: Iterable[Heading], path: HeadingPath | None = None) -> list[Section]:
    """Return sections that cover the text, each from one heading to the next.

    path: the headings that hold at the beginning; it is changed into those that hold at the end.
    """
    headings, path = list(headings), [] if path is None else path
    bounds = [heading.start for heading in headings] + [len(text)]
    sections = [Section(0, bounds[0], _words(path))] if bounds[0] > 0 else []
    for heading, end in zip(headings, bounds[1:], strict=True):
        path[:] = _below(path, heading.level, heading.words)
        sections.append(Section(heading.start, end, _words(path)))
    return sections


def assemble(blocks: Iterable[Block], separator: str = "\n\n") -> Parsed:
    """Join blocks to a text with sections; a new heading or page starts a section."""
    parts: list[str] = []
    sections: list[Section] = []
    path: HeadingPath = []
    start = end = 0
    page: int | None = None
    for block in (block for block in blocks if block.text):
        if block.level or block.page != page:
            if end > start:
                sections.append(Section(start, end, _words(path), page))
            start, page = end, block.page
        if block.level:
            path = _below(path, block.level, block.text)
        parts += (block.text, separator)
        end += len(block.text) + len(separator)
    if end > start:
        sections.append(Section(start, end, _words(path), page))
    return "".join(parts), sections


def _below(path: HeadingPath, level: int, words: str) -> HeadingPath:
    """Return the path after one more heading, which ends those of its level and below."""
    return [(outer, name) for outer, name in path if outer < level] + [(level, words)]


def _words(path: HeadingPath) -> tuple[str, ...]:
    return tuple(words for _, words in path)


def table_rows(rows: list[list[str]]) -> list[str]:
    """Return each row as `column: value; column: value`, the columns being named by the first row.

    A cell beyond the named columns stands without a name.
    """
    if len(rows) < 2:
        return ["; ".join(filter(None, row)) for row in rows]
    head = rows[0]
    return [
        "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip_longest(head, row, fillvalue="") if cell)
        for row in rows[1:]
    ]


def flat(text: str) -> str:
    """Return the text on one line, without invisible characters and extra space."""
    return re.sub(r"\s+", " ", remove_invisible(text)).strip()
