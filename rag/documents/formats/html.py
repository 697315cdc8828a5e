"""HTML pages: the visible text of the body in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rag.core.sections import DocumentSettings
from rag.documents.formats.encoding import MARKS, decode
from rag.documents.formats.html_hidden import drop_hidden
from rag.documents.formats.limits import DEFAULTS, progress
from rag.documents.formats.sections import Block, Parsed, assemble, flat, table_rows

INLINE = frozenset(
    "a abbr b bdi bdo br cite code data del dfn em font i ins kbd label mark q s samp small span strike strong sub sup time tt u var wbr".split()
)
BLOCKS = frozenset(
    "address article aside blockquote center dd details div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5 h6 hr li main ol p pre section summary table "
    "td th tr ul".split()
)


def parse_html(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    return parse_page(_markup(data))


def parse_page(markup: str) -> Parsed:
    """Visible text of the body; what is hidden, navigation, banner, footer, scripts and styles are left out."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "lxml")
    progress()
    drop_hidden(soup)
    for tag in soup(["script", "style", "nav", "footer", "noscript", "template"]):
        tag.decompose()
    for tag in soup("header"):
        if not tag.find(["h1", "h2"]):
            tag.decompose()  # the site's banner; one with a heading is the page's own
    for tag in soup("br"):
        tag.append(" ")
    progress()
    layout = {
        id(outer) for table in soup("table") if (outer := table.find_parent("table"))
    }  # tables with tables in them
    blocks = list(_blocks(soup.body or soup, layout, _around_blocks(soup)))
    if not any(block.level for block in blocks) and soup.title and soup.title.string:
        blocks.insert(0, Block(flat(soup.title.string), 1))
    return assemble(blocks)


def _markup(data: bytes) -> str:
    """The page declares its encoding, or it is found as for any text; left to itself the parser would guess before it tries UTF-8."""
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    if declared and b"\0" not in data and not data.startswith(MARKS):
        try:
            return data.decode(declared)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data)


def _around_blocks(soup: Any) -> set[int]:
    """-> the ids of inline tags with block-level ones in them, as of a link around a heading."""
    found: set[int] = set()
    for tag in soup.find_all(True):
        for outer in tag.parents if tag.name in BLOCKS else ():
            if outer.name not in INLINE or id(outer) in found:
                break
            found.add(id(outer))
    return found


def _blocks(body: Any, layout: set[int], around: set[int]) -> Iterable[Block]:
    """Text runs between block-level tags, whatever those tags are, so that no page loses text for its markup; `layout` tables are such tags, and inline ones
    `around` blocks."""
    from bs4.element import NavigableString, PreformattedString

    run: list[str] = []
    open_tags = [iter(body.children)]  # a stack of our own: pages nest deeper than Python's
    while open_tags:
        child = next(open_tags[-1], None)
        if isinstance(child, NavigableString):
            run.append(
                "" if isinstance(child, PreformattedString) else str(child)
            )  # a comment or declaration is not text
            continue
        if child is not None and child.name in INLINE:
            if id(child) in around:
                open_tags.append(iter(child.children))
            else:
                run.append(child.get_text())
            continue
        yield Block(flat("".join(run)))
        run.clear()
        if child is None:
            open_tags.pop()
        elif child.name == "title":
            continue  # where a page has no body, its head's title stands among the text
        elif child.name == "table" and id(child) not in layout:
            yield from _table(child)
        elif re.fullmatch("h[1-6]", child.name):
            yield Block(flat(child.get_text()), int(child.name[1]))
        else:
            open_tags.append(iter(child.children))


def _table(table: Any) -> Iterable[Block]:
    if table.caption:
        yield Block(flat(table.caption.get_text()))
    rows = [[flat(cell.get_text(" ")) for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    yield from (Block(text) for text in table_rows(rows))
