"""Readers, one a format: bytes -> (text, sections). Sections cover the text in order and carry headings and pages."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rag.errors import DocumentError


@dataclass(frozen=True)
class Section:
    """A span of characters under one heading path, on one page (from 1) where the format has pages."""

    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True)
class Block:
    """A paragraph, table row or heading, as the readers of structured formats give it; level 0 is body text, 1 the top heading."""

    text: str
    level: int = 0
    page: int | None = None


Parsed = tuple[str, list[Section]]
INLINE = frozenset(
    "a abbr b bdi bdo br cite code data del dfn em font i ins kbd label mark q s samp small span strike strong sub sup time tt u var wbr".split()
)


def parse_text(data: bytes) -> Parsed:
    text = decode(data)
    return text, [Section(0, len(text))]


def parse_markdown(data: bytes) -> Parsed:
    """Markdown with ATX headings; fenced code is not searched for them. Spans are those of the file itself."""
    text = decode(data)
    marks: list[tuple[int, int, str]] = []
    fence = ""
    for line in re.finditer(r"^.*$", text, re.M):
        mark = re.match(r"\s*(`{3,}|~{3,})", line[0])
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else re.match(r"(#{1,6})\s+(.+?)\s*#*$", line[0])
        if heading:
            marks.append((line.start(), len(heading[1]), re.sub(r"[*`]", "", heading[2])))
    return text, _sections_between(text, marks)


def _sections_between(text: str, marks: list[tuple[int, int, str]]) -> list[Section]:
    bounds = [start for start, _, _ in marks] + [len(text)]
    sections = [Section(0, bounds[0])] if bounds[0] > 0 else []
    path: list[tuple[int, str]] = []
    for (start, level, title), end in zip(marks, bounds[1:], strict=True):
        path = [(lv, name) for lv, name in path if lv < level] + [(level, title)]
        sections.append(Section(start, end, tuple(name for _, name in path)))
    return sections


def parse_html(data: bytes) -> Parsed:
    """Visible text of the body; navigation, banner, footer, scripts and styles are left out."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(data, "html.parser")
    for tag in soup(["script", "style", "nav", "footer", "noscript", "template"]):
        tag.decompose()
    for tag in soup("header"):
        if not tag.find(["h1", "h2"]):
            tag.decompose()  # the site's banner; one with a heading is the page's own
    blocks = list(_html_blocks(soup.body or soup))
    if not any(block.level for block in blocks) and soup.title and soup.title.string:
        blocks.insert(0, Block(flat(soup.title.string), 1))
    return assemble(blocks)


def _html_blocks(node: Any) -> Iterable[Block]:
    """Text runs between block-level tags, whatever those tags are, so that no page loses text for its markup."""
    from bs4.element import NavigableString, PreformattedString

    run = ""
    for child in node.children:
        if isinstance(child, NavigableString):
            run += "" if isinstance(child, PreformattedString) else str(child)  # a comment or declaration is not text
        elif child.name in INLINE:
            run += " " if child.name == "br" else child.get_text()
        else:
            yield Block(flat(run))
            run = ""
            if child.name == "table":
                yield from _html_table(child)
            elif re.fullmatch("h[1-6]", child.name):
                yield Block(flat(child.get_text()), int(child.name[1]))
            else:
                yield from _html_blocks(child)
    yield Block(flat(run))


def _html_table(table: Any) -> Iterable[Block]:
    if table.caption:
        yield Block(flat(table.caption.get_text()))
    rows = [[flat(cell.get_text(" ")) for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    yield from (Block(text) for text in table_rows(rows))


def parse_docx(data: bytes) -> Parsed:
    import docx
    from docx.table import Table

    blocks: list[Block] = []
    for item in docx.Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(item, Table):
            rows = [[flat(cell.text) for cell in row.cells] for row in item.rows]
            blocks.extend(Block(text) for text in table_rows(rows))
        else:
            style = re.fullmatch(r"(Title)|Heading (\d)", item.style.name or "")
            level = (1 if style[1] else int(style[2]) + 1) if style else 0
            blocks.append(Block(flat(item.text), level))
    return assemble(blocks)


def parse_csv(data: bytes) -> Parsed:
    """Each row becomes one line, `column: value; column: value`, so that a row makes sense on its own."""
    sample = decode(data)
    dialect: Any = csv.excel
    with contextlib.suppress(csv.Error):  # one column has no delimiter to find
        dialect = csv.Sniffer().sniff(sample[:4096], ",;\t|")
    rows = [[flat(cell) for cell in row] for row in csv.reader(io.StringIO(sample), dialect) if any(row)]
    return assemble([Block(text) for text in table_rows(rows)], "\n")


def table_rows(rows: list[list[str]]) -> list[str]:
    """The first row names the columns; each other row becomes `column: value; column: value`."""
    if len(rows) < 2:
        return ["; ".join(filter(None, row)) for row in rows]
    head = rows[0]
    return ["; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(head, row, strict=False) if cell) for row in rows[1:]]


def assemble(blocks: list[Block], separator: str = "\n\n") -> Parsed:
    """Blocks -> text and sections; a new heading or page starts a section."""
    text, sections = "", []
    path: list[tuple[int, str]] = []
    start, page = 0, blocks[0].page if blocks else None
    for block in (block for block in blocks if block.text):
        if block.level or block.page != page:
            if len(text) > start:
                sections.append(Section(start, len(text), tuple(name for _, name in path), page))
            start, page = len(text), block.page
        if block.level:
            path = [(lv, name) for lv, name in path if lv < block.level] + [(block.level, block.text)]
        text += block.text + separator
    if len(text) > start:
        sections.append(Section(start, len(text), tuple(name for _, name in path), page))
    return text, sections


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark, else Windows-1252; binary data raises DocumentError."""
    if b"\0" in data[:4096]:
        raise DocumentError("binary data, not text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n")
