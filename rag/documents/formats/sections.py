"""What every reader gives: text, and sections of it that carry headings, pages and the syntax of code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

from rag.core.invisible_characters import remove_invisible


@dataclass(frozen=True)
class Section:
    """A span of characters under one heading path, on one page or slide (from 1) where the format has them.

    syntax: the programming language of the span, as the splitter names it (`rag.documents.formats.source_code`), None for prose.
    """

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    syntax: str | None = None


@dataclass(frozen=True)
class Block:
    """A paragraph, table row or heading, as the readers of structured formats give it; level 0 is body text, 1 the top heading."""

    text: str
    level: int = 0
    page: int | None = None


Parsed = tuple[str, list[Section]]
Mark = tuple[int, int, str]  # where a heading starts, its level from 1, its words


Path = list[tuple[int, str]]  # headings from the top down, each with its level


def sections_between(text: str, marks: Iterable[Mark], path: Path | None = None) -> list[Section]:
    """-> sections that cover `text`, each from one heading to the next. path: what holds at the beginning; it is brought up to date."""
    marks, path = list(marks), [] if path is None else path
    bounds = [start for start, _, _ in marks] + [len(text)]
    sections = [Section(0, bounds[0], tuple(name for _, name in path))] if bounds[0] > 0 else []
    for (start, level, title), end in zip(marks, bounds[1:], strict=True):
        path[:] = [(lv, name) for lv, name in path if lv < level] + [(level, title)]
        sections.append(Section(start, end, tuple(name for _, name in path)))
    return sections


def assemble(blocks: Iterable[Block], separator: str = "\n\n") -> Parsed:
    """Blocks -> text and sections; a new heading or page starts a section."""
    parts: list[str] = []
    sections: list[Section] = []
    path: Path = []
    start = end = 0
    page: int | None = None
    for block in (block for block in blocks if block.text):
        if block.level or block.page != page:
            if end > start:
                sections.append(Section(start, end, tuple(name for _, name in path), page))
            start, page = end, block.page
        if block.level:
            path = [(lv, name) for lv, name in path if lv < block.level] + [(block.level, block.text)]
        parts += (block.text, separator)
        end += len(block.text) + len(separator)
    if end > start:
        sections.append(Section(start, end, tuple(name for _, name in path), page))
    return "".join(parts), sections


def table_rows(rows: list[list[str]]) -> list[str]:
    """The first row names the columns; each other row becomes `column: value; column: value`. What stands beyond the named columns has no name."""
    if len(rows) < 2:
        return ["; ".join(filter(None, row)) for row in rows]
    head = rows[0]
    return [
        "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip_longest(head, row, fillvalue="") if cell)
        for row in rows[1:]
    ]


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", remove_invisible(text)).strip()
