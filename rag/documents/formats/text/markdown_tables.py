"""Tables of Markdown: those of pipes, also in lists and quotations, and those of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from rag.documents.formats.base.limits import progress
from rag.documents.formats.base.sections import Block, flat
from rag.documents.formats.tables.row import SAMPLE
from rag.documents.formats.tables.rows import table_blocks
from rag.documents.formats.tables.shape import names_score
from rag.documents.formats.text.drawn_grids import Line, lines_of
from rag.documents.formats.text.pipe_rows import FEWEST_ROWS, has_pipe, pipe_tables
from rag.documents.formats.text.text_tables import DrawnTable

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

RULE = frozenset("|:- \t>*+")  # of which the line below a table's header consists, also in a list or quotation
MARKS = re.compile(r"[*_`\[<&\\!~]")
SURELY_DATA = -1.5  # the score of a first row that cannot be a header, which Markdown demands of all tables
NO_ROWS = frozenset(("fence", "code_block", "html_block", "table_open"))  # code, and tables that are found otherwise
TABLE_TAG = re.compile(r"<(/?)table\b[^>]*>", re.I)


def markdown_tables(text: str) -> list[DrawnTable]:
    """Return the tables of Markdown text in order; those in code are none."""
    lines = lines_of(text)
    if "<table" not in text.lower() and not any(map(_is_rule, lines)) and sum(map(has_pipe, lines)) < FEWEST_ROWS:
        return []
    starts = _line_starts(text)
    found: list[DrawnTable] = []
    parsed = _markdown().parse(text)
    tokens = iter(parsed)
    for token in tokens:
        if not token.map or (found and starts[token.map[1]] <= found[-1].end):
            continue
        first, last = (starts[line] for line in token.map)
        if token.type == "table_open":
            found += _drawn(first, last, _pipe_table(tokens, text, starts))
        elif token.type == "html_block":
            found += _html_tables(text, first, last)
    taken = [token.map for token in parsed if token.map and token.type in NO_ROWS]
    return sorted([*found, *_unruled_tables(text, lines, taken)])


def _unruled_tables(text: str, lines: list[Line], taken: list[list[int]]) -> Iterator[DrawnTable]:
    """Yield the tables of pipes without a rule. taken: the first line of each part that has none, and the one after."""
    at = 0
    for first, end in [*sorted(taken), [len(lines), len(lines)]]:
        yield from pipe_tables(text, lines[at:first])
        at = max(at, end)


def _is_rule(line: str) -> bool:
    return "-" in line and "|" in line and RULE.issuperset(line)


def _drawn(start: int, end: int, blocks: list[Block]) -> list[DrawnTable]:
    """Return the table, or none where it holds no words, such as one of pictures."""
    return [DrawnTable(start, end, blocks)] if blocks else []


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(min(starts[-1] + len(line) + 1, len(text)))
    return starts


@cache
def _markdown() -> MarkdownIt:
    """Return a parser that finds blocks alone; what stands in them is parsed where it is a cell."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark").enable("table")
    markdown.core.ruler.enableOnly(["normalize", "block"])

    def note_progress(*_: object) -> bool:
        progress()
        return False

    markdown.block.ruler.before("table", "progress", note_progress)
    return markdown


@cache
def _inline() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("strikethrough")


def _pipe_table(tokens: Iterator[Token], text: str, starts: list[int]) -> list[Block]:
    """Return the rows of a table whose tokens follow."""
    rows: list[list[str]] = []
    line = ""
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open" and token.map:
            line = text[starts[token.map[0]] : starts[token.map[1]]].strip()
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content)
        elif token.type == "tr_close" and len(rows) > 1:
            rows[-1] = _whole_row(rows[-1], line)
    shown = [[_shown(cell) for cell in row] for row in rows]
    if not any(shown[0]):
        return table_blocks(shown[1:], header=0)
    width = max(map(len, shown))
    below = [row + [""] * (width - len(row)) for row in shown[1 : 1 + SAMPLE]]
    head = shown[0] + [""] * (width - len(shown[0]))
    return table_blocks(shown, header=None if below and names_score(head, below) <= SURELY_DATA else 1)


def _whole_row(cells: list[str], line: str) -> list[str]:
    """Return the cells of a row with those beyond the header, which the parser leaves out.

    A pipe in code begins a cell, but where the row has too many cells by that.
    """
    line = line.lstrip("> \t").removeprefix("|")
    line = line[:-1] if line.endswith("|") and not line.endswith("\\|") else line
    split = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)]
    if len(split) <= len(cells) or [cell.strip() for cell in cells] != split[: len(cells)]:
        return cells
    in_code = [cell.strip().replace("\\|", "|") for cell in re.findall(r"((?:`[^`]*`|\\\||[^|])*)(?:\||$)", line)]
    in_code = in_code[:-1] if in_code and not in_code[-1] else in_code
    return in_code if len(in_code) == len(cells) else split


def _shown(cell: str) -> str:
    """Return what readers see of a cell, with the addresses of its links."""
    return flat("".join(_words(_inline().parseInline(cell)[0].children or []))) if MARKS.search(cell) else flat(cell)


def _words(tokens: list[Token]) -> Iterator[str]:
    """Yield the text of a cell. An asterisk in mid-word, as in 2*3*4, is no emphasis."""
    addresses: list[str] = []
    literal: list[bool] = []
    said = ""
    for token in tokens:
        words = token.content
        if token.type == "link_open":
            addresses.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            address = addresses.pop()
            shown = said.endswith((address, address.removeprefix("mailto:")))
            words = f" ({address})" if address.startswith(("http", "mailto:")) and not shown else ""
        elif token.type in ("em_open", "strong_open"):
            literal.append(said[-1:].isalnum())
            words = token.markup if literal[-1] else ""
        elif token.type in ("em_close", "strong_close"):
            words = token.markup if literal.pop() else ""
        elif token.type in ("softbreak", "hardbreak") or words.lower().startswith("<br"):
            words = " "
        elif token.type == "html_inline":
            words = ""
        said += words
        yield words


def _html_tables(text: str, first: int, last: int) -> list[DrawnTable]:
    """Return the tables that begin in a block of HTML; they may go on after empty lines, which end such a block."""
    from rag.documents.formats.text.html import page_blocks

    found: list[DrawnTable] = []
    at = first
    while (opened := TABLE_TAG.search(text, at, last)) and not opened[1]:
        depth = 0
        for tag in TABLE_TAG.finditer(text, opened.start()):
            depth += -1 if tag[1] else 1
            if depth == 0:
                at = tag.end()
                found += _drawn(opened.start(), at, page_blocks(text[opened.start() : at]))
                break
        else:
            break  # nothing closes it
    return found
