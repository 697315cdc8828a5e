"""HTML pages: the visible text of the body in blocks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.encoding import MARKS, decode
from rag.documents.formats.base.limits import DEFAULTS, progress
from rag.documents.formats.base.sections import Block, Parsed, assemble, counted, flat
from rag.documents.formats.text.html_controls import show_controls
from rag.documents.formats.text.html_hidden import drop_hidden
from rag.documents.formats.text.html_tables import INLINE, definition_blocks, html_table_blocks, layout_tables

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

BLOCKS = frozenset(
    """address article aside blockquote center dd details div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5 h6 hr
    li main ol p pre section summary table td th tr ul""".split()
)
LEFT_OUT = ("script", "style", "nav", "footer", "noscript", "template")


def parse_html(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the visible text of a page."""
    return parse_page(_markup(data))


def parse_page(markup: str) -> Parsed:
    """Return the visible text of the body.

    What is hidden, navigation, banner, footer, scripts and styles are left out.
    """
    not_read: Counter[str] = Counter()
    blocks = page_blocks(markup, not_read)
    return assemble(blocks)._replace(unread=counted(not_read))


def page_blocks(markup: str, not_read: Counter[str] | None = None) -> list[Block]:
    """Return the visible text of a page, or of a part of one, as blocks, and its title where it has no headings.

    not_read: gets what can't be read, and how often.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "lxml")
    progress()
    found_unread = show_controls(soup)
    if not_read is not None:
        not_read.update(found_unread)
    drop_hidden(soup)
    for tag in soup(LEFT_OUT):
        tag.decompose()
    for tag in soup("header"):
        if not tag.find(["h1", "h2"]):
            tag.decompose()  # the site's banner; one with a heading is the page's own
    for tag in soup("br"):
        tag.append(" ")
    progress()
    found = [block for block in _blocks(soup.body or soup, layout_tables(soup), _around_blocks(soup)) if block.text]
    if not any(block.level for block in found) and soup.title and soup.title.string:
        found.insert(0, Block(flat(soup.title.string), 1))
    return found


def _markup(data: bytes) -> str:
    """Decode a page as it declares, or else as any text.

    Left to itself the HTML parser would guess an encoding before it tries UTF-8.
    """
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    if declared and b"\0" not in data and not data.startswith(MARKS):
        try:
            return data.decode(declared)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data)


def _around_blocks(soup: BeautifulSoup) -> set[int]:
    """Return the id() of each inline tag with block-level ones in it, such as a link around a heading."""
    found: set[int] = set()
    for tag in soup.find_all(BLOCKS):
        for outer in tag.parents:
            if outer.name not in INLINE or id(outer) in found:
                break
            found.add(id(outer))
    return found


def _blocks(body: Tag, layout: set[int], around_blocks: set[int]) -> Iterable[Block]:
    """Yield the text between block-level tags, whatever those tags are, so that no page loses text for its markup.

    layout, around_blocks: id() of tables that place other tables on the page, and of inline tags with blocks
    in them; both are such tags.
    """
    from bs4.element import NavigableString, PreformattedString, Tag

    words: list[str] = []  # since the last block-level tag
    open_tags = [iter(body.children)]  # a stack of our own: pages nest deeper than Python's
    while open_tags:
        child = next(open_tags[-1], None)
        if isinstance(child, NavigableString):
            # a comment or declaration is not text
            words.append("" if isinstance(child, PreformattedString) else str(child))
            continue
        if isinstance(child, Tag) and child.name in INLINE:
            if id(child) in around_blocks:
                open_tags.append(iter(child.children))
            else:
                words.append(child.get_text())
            continue
        yield Block(flat("".join(words)))
        words.clear()
        if not isinstance(child, Tag):
            open_tags.pop()
        elif child.name == "title":
            continue  # where a page has no body, its head's title stands among the text
        elif child.name == "table" and id(child) not in layout:
            yield from html_table_blocks(child)
        elif child.name == "dl" and (defined := definition_blocks(child)):
            yield from defined
        elif re.fullmatch("h[1-6]", child.name):
            yield Block(flat(child.get_text()), int(child.name[1]))
        else:
            open_tags.append(iter(child.children))
