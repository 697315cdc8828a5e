"""What every reader of a format returns: text, and sections of it with headings, pages and the syntax of code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from rag.core.invisible_characters import remove_invisible
from rag.core.table_cell import TableCell
from rag.documents.formats.base.limits import progress

ANNOUNCES = re.compile(r"(?:table|tab\.|tabelle)\s*\d.{0,120}|.{1,120}:", re.I)


@dataclass(frozen=True)
class Section:
    """A span of characters under one heading path, on one page or slide (from 1) where the format has them.

    syntax: the programming language of the span, as `rag.documents.formats.base.source_code` names it, None for prose.
    cells: of the tables in it, in order, as spans of the whole text.
    """

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    syntax: str | None = None
    cells: tuple[TableCell, ...] = ()

    def shifted(self, by: int, rows: int = 0) -> Section:
        """Return the section of a text that has `by` more characters, and so many more table rows, before it."""
        cells = tuple(cell.shifted(by, rows) for cell in self.cells)
        return replace(self, start=self.start + by, end=self.end + by, cells=cells)


@dataclass(frozen=True)
class Block:
    """A paragraph, table row or heading of a structured format.

    level: 0 for body text, from 1 down for headings. cells: of a table row, as spans of `text`, their row 0; `assemble`
    numbers the rows. caption: of the table that the block belongs to, which stands below the headings.
    """

    text: str
    level: int = 0
    page: int | None = None
    cells: tuple[TableCell, ...] = ()
    caption: str = ""


class Parsed(NamedTuple):
    """What a reader returns: the text, its sections, and what it could not read.

    unread: one short line for each part that is lost, such as "page 3: picture without text".
    """

    text: str
    sections: list[Section]
    unread: tuple[str, ...] = ()


class Heading(NamedTuple):
    """Where a heading starts, its level from 1 down, and its words."""

    start: int
    level: int
    words: str


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
    """Join blocks to a text with sections; table rows get numbers.

    A heading, a page, and a table with a caption each start a section. A caption that stands below no heading is one
    where the document begins with it; elsewhere the document would be called by it.
    """
    parts: list[str] = []
    sections: list[Section] = []
    path: HeadingPath = []
    cells: list[TableCell] = []
    start = end = row = 0
    page, caption = None, ""
    for block in _captioned([block for block in blocks if block.text]):
        progress()
        if block.level or block.page != page or block.caption != caption:
            if end > start:
                sections.append(Section(start, end, _titles(path, caption, start), page, cells=tuple(cells)))
            start, page, caption, cells = end, block.page, block.caption, []
        if block.level:
            path = _below(path, block.level, block.text)
        cells += [cell.shifted(end, row) for cell in block.cells]
        row += bool(block.cells)
        parts += (block.text, separator)
        end += len(block.text) + len(separator)
    if end > start:
        sections.append(Section(start, end, _titles(path, caption, start), page, cells=tuple(cells)))
    return Parsed("".join(parts), sections)


def _captioned(blocks: list[Block]) -> list[Block]:
    """Return the blocks, with a line that announces a table as its caption where it has no other."""
    found: list[Block] = []
    caption = ""
    for block in blocks:
        before = found[-1] if found else None
        if not block.cells or block.caption or (before and before.page != block.page):
            caption = ""
        elif before and not (before.cells or before.level or before.caption) and ANNOUNCES.fullmatch(before.text):
            caption = before.text.rstrip(": ")
            found[-1] = replace(before, caption=caption)
        found.append(replace(block, caption=caption) if caption else block)
    return found


def _titles(path: HeadingPath, caption: str, start: int) -> tuple[str, ...]:
    """Return the headings of a section that starts there, and the caption of its table where none says the same."""
    words = _words(path)
    return (*words, caption) if caption and caption not in words and (words or not start) else words


def _below(path: HeadingPath, level: int, words: str) -> HeadingPath:
    """Return the path after one more heading, which ends those of its level and below."""
    return [(outer, name) for outer, name in path if outer < level] + [(level, words)]


def _words(path: HeadingPath) -> tuple[str, ...]:
    return tuple(words for _, words in path)


def counted(parts: Mapping[str, int]) -> tuple[str, ...]:
    """Return a line for each kind of part that was not read. parts: how many of each there are."""
    return tuple(f"{count} × {what}" if count > 1 else what for what, count in parts.items() if count)


def flat(text: str) -> str:
    """Return the text on one line, without invisible characters and extra space."""
    return re.sub(r"\s+", " ", remove_invisible(text)).strip()
