"""Readers, one a format: bytes -> (text, sections). Sections cover the text in order and carry headings and pages."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import mode

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


def parse_text(data: bytes) -> Parsed:
    text = _decode(data)
    return text, [Section(0, len(text))]


def parse_markdown(data: bytes) -> Parsed:
    """Markdown with ATX headings; fenced code is not searched for them. Spans are those of the file itself."""
    text = _decode(data)
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
    for tag in soup(["br", "p", "li", "div", "dt", "dd", "th", "td"]):
        tag.insert_before(" ")  # inline tags join words, these part them
    blocks = list(_html_blocks(soup.body or soup))
    if not any(block.level for block in blocks) and soup.title and soup.title.string:
        blocks.insert(0, Block(_flat(soup.title.string), 1))
    return _assemble(blocks)


def _html_blocks(body) -> Iterable[Block]:
    for tag in body.find_all(["h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "table", "pre", "dt", "dd", "blockquote"]):
        if tag.find_parent(["table", "p", "li", "dd", "blockquote"]):
            continue
        if tag.name == "table":
            if tag.caption:
                yield Block(_flat(tag.caption.get_text()))
            rows = [[_flat(cell.get_text()) for cell in row.find_all(["th", "td"])] for row in tag.find_all("tr")]
            yield from (Block(text) for text in _table_rows(rows))
        else:
            yield Block(_flat(tag.get_text()), int(tag.name[1]) if re.fullmatch("h[1-6]", tag.name) else 0)


def parse_docx(data: bytes) -> Parsed:
    import docx
    from docx.table import Table

    blocks: list[Block] = []
    for item in docx.Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(item, Table):
            rows = [[_flat(cell.text) for cell in row.cells] for row in item.rows]
            blocks.extend(Block(text) for text in _table_rows(rows))
        else:
            style = re.fullmatch(r"(Title)|Heading (\d)", item.style.name or "")
            level = (1 if style[1] else int(style[2]) + 1) if style else 0
            blocks.append(Block(_flat(item.text), level))
    return _assemble(blocks)


def parse_csv(data: bytes) -> Parsed:
    """Each row becomes one line, `column: value; column: value`, so that a row makes sense on its own."""
    sample = _decode(data)
    dialect: type[csv.Dialect] | csv.Dialect = csv.excel
    try:
        dialect = csv.Sniffer().sniff(sample[:4096], ",;\t|")
    except csv.Error:
        pass  # one column has no delimiter to find
    rows = [[_flat(cell) for cell in row] for row in csv.reader(io.StringIO(sample), dialect) if any(row)]
    return _assemble([Block(text) for text in _table_rows(rows)], "\n")


def parse_pdf(data: bytes) -> Parsed:
    """Pages in order: tables become rows, larger lines become headings, running heads and feet are dropped."""
    import pdfplumber

    with pdfplumber.open(io.BytesIO(data)) as pdf:
        pages = [_pdf_page(page) for page in pdf.pages]
    sizes = [line.size for page in pages for line in page if isinstance(line, PdfLine)]
    if not sizes:
        raise DocumentError("no text in the PDF; a scan needs OCR first")
    body = mode(sizes)
    ranks = sorted({size for size in sizes if size > body + 0.8}, reverse=True)
    repeated = _running_lines(pages)
    items = [(number, item) for number, page in enumerate(pages, 1) for item in page if isinstance(item, str) or item.key not in repeated]
    return _assemble(list(_pdf_paragraphs(items, ranks)))


@dataclass(frozen=True)
class PdfLine:
    """A line of a page: text, font size in points, top and bottom in points from the page's top."""

    text: str
    size: float
    top: float
    bottom: float

    @property
    def key(self) -> tuple[str, int]:
        """The same on each page for a running head or foot, whatever its page number."""
        return re.sub(r"\d+", "#", self.text), round(self.top)


def _pdf_page(page) -> list[PdfLine | str]:
    """-> lines, and table rows as plain strings, from top to bottom."""
    tables = page.find_tables()
    items: list[tuple[float, PdfLine | str]] = []
    for table in tables:
        rows = [[_flat(cell or "") for cell in row] for row in table.extract()]
        items.extend((table.bbox[1] + i / 1000, text) for i, text in enumerate(_table_rows(rows)))
    outside = page.filter(lambda obj: not any(_inside(obj, table.bbox) for table in tables))
    for line in outside.extract_text_lines():
        size = round(mode(round(char["size"], 1) for char in line["chars"]), 1)
        text = _flat(line["text"].replace("(cid:127)", "•"))  # an unused code in WinAnsi, which the PDF standard reads as a bullet
        items.append((line["top"], PdfLine(text, size, line["top"], line["bottom"])))
    return [item for _, item in sorted(items, key=lambda pair: pair[0])]


def _inside(obj: dict, box: tuple[float, float, float, float]) -> bool:
    x, y = (obj["x0"] + obj["x1"]) / 2, (obj["top"] + obj["bottom"]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _running_lines(pages: list[list[PdfLine | str]]) -> set[tuple[str, int]]:
    seen: dict[tuple[str, int], int] = {}
    for page in pages:
        for line in page:
            if isinstance(line, PdfLine):
                seen[line.key] = seen.get(line.key, 0) + 1
    return {key for key, count in seen.items() if count > 1 and count >= len(pages) - 1}


def _pdf_paragraphs(items: list[tuple[int, PdfLine | str]], ranks: list[float]) -> Iterable[Block]:
    """(page, line or row) -> blocks. A size above the body's makes a heading of its rank; a paragraph stands on the page it begins on."""
    held: list[tuple[int, PdfLine]] = []

    def flush() -> Iterable[Block]:
        if held:
            page, first = held[0]
            level = ranks.index(first.size) + 1 if first.size in ranks else 0
            yield Block(" ".join(line.text for _, line in held), level, page)
            held.clear()

    for page, item in items:
        if isinstance(item, str):
            yield from flush()
            yield Block(item, 0, page)
            continue
        if held and not _goes_on(held[0][1], held[-1][1], item, page == held[-1][0], ranks):
            yield from flush()
        held.append((page, item))
    yield from flush()


def _goes_on(first: PdfLine, last: PdfLine, line: PdfLine, same_page: bool, ranks: list[float]) -> bool:
    """Whether `line` goes on with the paragraph from `first` to `last`: one size, close below, or over a page break in mid-sentence."""
    numbered = r"\d{1,2}[.)] "
    if line.size != last.size or re.match("[•–-] ", line.text):
        return False
    if re.match(numbered, line.text) and (last.text[-1] in ".:;" or re.match(numbered, first.text)):
        return False
    if same_page:
        return line.top - last.bottom <= 0.55 * line.size
    return line.size not in ranks and last.text[-1] not in ".:;!?"


def _table_rows(rows: list[list[str]]) -> list[str]:
    """The first row names the columns; each other row becomes `column: value; column: value`."""
    if len(rows) < 2:
        return ["; ".join(filter(None, row)) for row in rows]
    head = rows[0]
    return ["; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(head, row, strict=False) if cell) for row in rows[1:]]


def _assemble(blocks: list[Block], separator: str = "\n\n") -> Parsed:
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


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark, else Windows-1252; binary data raises DocumentError."""
    if b"\0" in data[:4096]:
        raise DocumentError("binary data, not text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n")


BY_SUFFIX: dict[str, Callable[[bytes], Parsed]] = {
    ".md": parse_markdown,
    ".txt": parse_text,
    ".html": parse_html,
    ".htm": parse_html,
    ".pdf": parse_pdf,
    ".docx": parse_docx,
    ".csv": parse_csv,
}
