"""HTML's tables and definition lists: cells that span rows or columns, header rows as the page marks them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rag.documents.formats.base.sections import Block, flat
from rag.documents.formats.tables.rows import row_texts, table_blocks

if TYPE_CHECKING:
    from bs4 import NavigableString, Tag

WIDEST_SPAN = 1000  # columns, as browsers have it
LONGEST_SPAN = 65534  # rows
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
INLINE = frozenset(
    """a abbr b bdi bdo br cite code data del dfn em font i img input ins kbd label mark q s samp select small span
    strike strong sub sup textarea time tt u var wbr""".split()
)


def html_table_blocks(table: Tag) -> list[Block]:
    """Return the rows of a table as blocks, below its caption."""
    caption = flat(table.caption.get_text()) if table.caption else ""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    stray = [words for words in table.find_all(string=True) if _is_stray(words, table)]
    blocks = table_blocks(_grid(rows), header=_header_rows(rows), caption=caption)
    return [Block(caption, caption=caption), *blocks, Block(flat(" ".join(stray)))]


def _is_stray(words: NavigableString, table: Tag) -> bool:
    """Return whether words of a table stand in none of its cells, or in one that is in no row."""
    holder = words.find_parent(["td", "th", "caption", "table"])
    if holder is None or holder is table or holder.name not in ("td", "th"):
        return holder is table
    return holder.parent is not None and holder.parent.name != "tr" and holder.find_parent("table") is table


def layout_tables(soup: Tag) -> set[int]:
    """Return the id() of each table that places tables on the page.

    One that has header cells of its own, and tables only in other cells, is a table of data. One with a heading above
    text in a cell, or paragraphs in a single row or column, is a page.
    """
    inner = [(table, outer) for table in soup.find_all("table") if (outer := table.find_parent("table"))]
    outer_tables = {id(outer) for _, outer in inner}
    with_names = {id(cell.find_parent("table")) for cell in soup.find_all("th")} if inner else set()
    deep = {id(outer) for table, outer in inner if id(table) in outer_tables}
    in_names = {id(outer) for table, outer in inner if (cell := table.find_parent(["td", "th"])) and cell.name == "th"}
    with_rows = {id(row.find_parent("table")) for row in soup.find_all("tr")}
    without_rows = {id(table) for table in soup.find_all("table")} - with_rows
    pages = {id(table) for table in soup.find_all("table") if id(table) not in outer_tables and _is_page(table)}
    return without_rows | pages | (outer_tables - (with_names - deep - in_names))


def _is_page(table: Tag) -> bool:
    """Return whether cells hold what a page does: a heading with text below it, or a row or column of paragraphs."""
    if table.find("th"):
        return False
    cells = table.find_all("td")
    if any((head := cell.find(HEADINGS)) and head.get_text(strip=True) != cell.get_text(strip=True) for cell in cells):
        return True
    line = len(table.find_all("tr", limit=2)) == 1 or all(len(_cells(row)) < 2 for row in table.find_all("tr"))
    return line and any(len(cell.find_all(["p", "li"], limit=2)) > 1 for cell in cells)


def definition_blocks(definitions: Tag) -> list[Block]:
    """Return each term of a definition list with what is said of it; [] where the list holds more than text."""
    if definitions.find(["table", "dl", "pre", *HEADINGS]):
        return []
    pairs: list[list[str]] = []
    described = True
    items = definitions.find_all(["dt", "dd"])
    for item in reversed(items):
        item.extract()  # where a page leaves out end tags, the parser puts the next into the one before
    for item in items:
        text = cell_text(item)
        if item.name == "dd" and pairs:
            pairs[-1][1] = "; ".join(filter(None, (pairs[-1][1], text)))
        elif item.name == "dt" and not described:
            pairs[-1][0] += f", {text}"
        else:
            pairs.append([text, ""] if item.name == "dt" else ["", text])
        described = item.name == "dd"
    return [*table_blocks(pairs, header=0), Block(cell_text(definitions))]


def cell_text(cell: Tag) -> str:
    """Return the text of a cell on one line, the rows of tables in it each as a text."""
    for table in cell.find_all("table"):
        if table.parent is not None:
            table.replace_with(f" {'; '.join(row_texts(_grid(table.find_all('tr'))))} ")
    if not cell.find(lambda tag: tag.name not in INLINE):
        return flat(cell.get_text())
    return flat("".join(_words(cell)))


def _words(tag: Tag) -> Iterator[str]:
    from bs4.element import PreformattedString, Tag

    for item in tag.descendants:
        if isinstance(item, Tag):
            yield "" if item.name in INLINE else " "
        elif not isinstance(item, PreformattedString):
            outer = item.parent
            last = outer is not None and outer.name not in INLINE and item.next_sibling is None
            yield f"{item} " if last else str(item)


def _grid(rows: list[Tag]) -> list[list[str]]:
    """Return the cells' texts, those of cells that span rows or columns in each of them."""
    width = _width(rows)
    waiting: dict[int, tuple[int, str]] = {}  # column: how many rows more a cell above reaches down, and its text
    grid = []
    for n, row in enumerate(rows):
        if n and row.parent is not rows[n - 1].parent:
            waiting = {}  # no cell reaches beyond its part of the table
        texts: dict[int, str] = {column: text for column, (_, text) in waiting.items()}
        waiting = {column: (left - 1, text) for column, (left, text) in waiting.items() if left > 1}
        at = 0
        for cell in _cells(row):
            while at in texts:
                at += 1
            wide, text = _span(cell, "colspan", WIDEST_SPAN), cell_text(cell)
            wide = max(1, min(wide, width - at))
            down = _span(cell, "rowspan", LONGEST_SPAN) or len(rows)
            once = wide == width or (at == 0 and not _is_header(row))  # a title, or "Total"
            for column in range(at, at + wide):
                texts[column] = "" if once and column > at else text
                if down > 1:
                    waiting[column] = (down - 1, texts[column])
            at += wide
        grid.append([texts.get(column, "") for column in range(max(texts, default=-1) + 1)])
    return grid


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(["th", "td"], recursive=False)


def _width(rows: Iterable[Tag]) -> int:
    """Return how many columns the rows have; a cell alone in its row may claim to span more."""
    counts = [[_span(cell, "colspan", WIDEST_SPAN) for cell in _cells(row)] for row in rows]
    several = [sum(spans) for spans in counts if len(spans) > 1]
    return min(max(several, default=max(map(sum, counts), default=1)), WIDEST_SPAN)


def _span(cell: Tag, name: str, most: int) -> int:
    value = str(cell.get(name, "1")).strip()
    return min(int(value), most) if value.isdecimal() and (int(value) or name == "rowspan") else 1


def _header_rows(rows: list[Tag]) -> int | None:
    """Return how many rows at the top name the columns by their marks; None where the page marks nothing."""
    marked = 0
    while marked < len(rows) and _is_header(rows[marked]):
        marked += 1
    if marked == len(rows) > 1:
        return None  # a page that marks all marks nothing
    if marked:
        return marked
    beside = all(_begins_with_th(row) for row in rows)
    return 0 if beside and max(map(len, map(_cells, rows)), default=0) == 2 else None


def _is_header(row: Tag) -> bool:
    """Return whether a row is one of names: it stands in the table's head, or all its cells are marked or bold."""
    cells = [cell for cell in _cells(row) if cell.get_text(strip=True)]
    if row.parent is not None and row.parent.name == "thead":
        return bool(cells)
    return bool(cells) and all(cell.name == "th" or _is_bold(cell) for cell in cells)


def _begins_with_th(row: Tag) -> bool:
    cells = _cells(row)
    return bool(cells) and cells[0].name == "th"


def _is_bold(cell: Tag) -> bool:
    words = cell.get_text(strip=True)
    return words == "".join(bold.get_text(strip=True) for bold in cell.find_all(["b", "strong"]))
