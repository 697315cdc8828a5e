"""Tables of a PDF page whose cells have borders, also where the outer ones, or those between rows, are not drawn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from rag.documents.formats.base.sections import flat
from rag.documents.formats.pdf.hyphens import join_lines
from rag.documents.formats.pdf.open_tables import stand_in_rows
from rag.documents.formats.pdf.tables import BoxOf, PdfTable, open_rows, table_of
from rag.documents.formats.pdf.words import Word, font_size, line_text, lines_of

if TYPE_CHECKING:
    from pdfplumber.page import Page
    from pdfplumber.table import Table

LONG_CELL = 40  # words; a "table" of one or two rows with longer cells is a layout of columns
LONGEST_NAME = 6  # words of a column's name
THICK = 3.0  # points; a filled rectangle that is thicker is a shade, and no line
TOUCH = 3.0  # points between lines that touch at most
MOST_CROSSINGS = 200_000  # of lines that are looked at; a drawing has more
FEW_ROWS = 3  # with borders; in a table of fewer, level lines are rows
MANY_LINES = 8  # in one bordered row, which then are rows


def ruled_tables(page: Page, words: list[Word]) -> Iterator[tuple[PdfTable, list[Word]]]:
    """Yield each table whose cells have borders, with the words in it. Frames and layouts of columns are none."""
    for found in _grids(page):
        inside = [word for word in words if _lies_in(word, found.bbox)]
        cells = {cell: [word for word in inside if _lies_in(word, cell)] for cell in found.cells}
        filled = [held for held in cells.values() if held]
        if len(filled) < 2 or _is_layout(cells, filled):
            continue
        for part in _apart(cells):
            rows = list(_rows(part))
            yield (
                table_of(_around(list(part)), rows, page.page_number),
                [word for held in part.values() for word in held],
            )


def frames(page: Page) -> list[BoxOf]:
    """Return the boxes that are drawn around something: filled or bordered rectangles, and tables of one cell."""
    single = [table.bbox for table in _grids(page) if len(table.cells) == 1]
    rects = [(rect["x0"], rect["top"], rect["x1"], rect["bottom"]) for rect in page.rects]
    return single + [box for box in rects if box[2] - box[0] > 30 and box[3] - box[1] > 20]


def _grids(page: Page) -> list[Table]:
    """Return the grids of lines on a page, each closed on all sides."""
    lined = page.filter(lambda item: not _is_shade(item))
    across: list[dict[str, Any]] = []
    down: list[dict[str, Any]] = []
    for x0, top, x1, bottom in _touching(lined.edges):
        across += [_line(x0, y, x1, y) for y in (top, bottom)]
        down += [_line(x, top, x, bottom) for x in (x0, x1)]
    return lined.find_tables({"explicit_horizontal_lines": across, "explicit_vertical_lines": down})


def _is_shade(item: dict[str, Any]) -> bool:
    if item["object_type"] not in ("rect", "curve") or item.get("stroke") or not item.get("fill"):
        return False
    return min(item["x1"] - item["x0"], item["bottom"] - item["top"]) > THICK


def _line(x0: float, top: float, x1: float, bottom: float) -> dict[str, Any]:
    size = {"width": x1 - x0, "height": bottom - top}
    return {"object_type": "line", "x0": x0, "top": top, "x1": x1, "bottom": bottom, **size}


def _touching(edges: list[dict[str, Any]]) -> list[BoxOf]:
    """Return the box around each set of lines that touch or cross; of both directions there is one at least."""
    from pdfplumber.table import merge_edges

    edges = [edge for edge in edges if edge["orientation"]]  # none is slanted
    edges = merge_edges(edges, TOUCH, TOUCH, TOUCH, TOUCH)  # each cell may have drawn its own
    across = [edge for edge in edges if edge["orientation"] == "h"]
    down = [edge for edge in edges if edge["orientation"] == "v"]
    if len(across) * len(down) > MOST_CROSSINGS:
        return []
    boxes: list[BoxOf] = []
    for h in across:
        met = [v for v in down if _meet(h, v)]
        if met:
            box = _around([_box(h), *map(_box, met)])
            apart = [other for other in boxes if not _overlap(box, other)]
            boxes = [*apart, _around([box, *(other for other in boxes if _overlap(box, other))])]
    return boxes


def _meet(h: dict[str, Any], v: dict[str, Any]) -> bool:
    return bool(h["x0"] - TOUCH <= v["x0"] <= h["x1"] + TOUCH and v["top"] - TOUCH <= h["top"] <= v["bottom"] + TOUCH)


def _box(edge: dict[str, Any]) -> BoxOf:
    return edge["x0"], edge["top"], edge["x1"], edge["bottom"]


def _around(boxes: list[BoxOf]) -> BoxOf:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _overlap(a: BoxOf, b: BoxOf) -> bool:
    return a[0] <= b[2] + TOUCH and b[0] <= a[2] + TOUCH and a[1] <= b[3] + TOUCH and b[1] <= a[3] + TOUCH


def _is_layout(cells: dict[BoxOf, list[Word]], filled: list[list[Word]]) -> bool:
    tops = {round(cell[1]) for cell in cells}
    first = [len(held) for cell, held in cells.items() if round(cell[1]) == min(tops)]
    named = len(tops) == 2 and len(first) > 1 and min(first) > 0 and max(first) <= LONGEST_NAME
    return len(tops) <= 2 and max(map(len, filled)) >= LONG_CELL and not named and not _stands_in_rows(filled)


def _apart(cells: dict[BoxOf, list[Word]]) -> list[dict[BoxOf, list[Word]]]:
    """Return the tables of a grid: where no line between columns goes on from a row to the next, another begins."""
    parts: list[dict[BoxOf, list[Word]]] = []
    left, _, right, _ = _around(list(cells))
    edges: set[float] = set()
    ordered = sorted(cells, key=lambda cell: round(cell[1]))
    for top, group in groupby(ordered, key=lambda cell: round(cell[1])):
        row, level = list(group), top + TOUCH
        over = [cell for cell in cells if cell[1] < level < cell[3]]
        inner = {x for cell in over for x in (cell[0], cell[2]) if left + TOUCH < x < right - TOUCH}
        goes_on = not edges or not inner or any(abs(a - b) <= TOUCH for a in edges for b in inner)
        if not parts or not goes_on:
            parts.append({})
        parts[-1].update((cell, cells[cell]) for cell in row)
        edges = inner or edges
    return parts


def _rows(cells: dict[BoxOf, list[Word]]) -> Iterator[list[str]]:
    """Yield the rows of a ruled table; a cell over several columns or rows stands in each, one over all once."""
    xs, ys = _edges([x for cell in cells for x in (cell[0], cell[2])]), _edges([y for c in cells for y in (c[1], c[3])])
    for top, bottom in pairwise(ys):
        row = [_cell_at((left + right) / 2, (top + bottom) / 2, cells) for left, right in pairwise(xs)]
        held = [cells[cell] if cell else [] for cell in row]
        if len(row) > 2 and len(set(row)) == 1 and row[0]:
            yield [_cell_text(held[0])] + [""] * (len(row) - 1)
        elif len(set(row)) == len(row) and _are_rows(held, len(ys) - 1):
            yield from open_rows([word for cell in held for word in cell], tuple(xs[1:-1]))
        else:
            yield [_cell_text(words) for words in held]


def _edges(places: list[float]) -> list[float]:
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > 2:
            found.append(place)
    return found


def _cell_at(x: float, y: float, cells: dict[BoxOf, list[Word]]) -> BoxOf | None:
    return next((cell for cell in cells if cell[0] < x < cell[2] and cell[1] < y < cell[3]), None)


def _are_rows(held: list[list[Word]], rows: int) -> bool:
    """Return whether the lines within one row of cells are rows, which have no lines between them."""
    lines = [len(lines_of(cell)) for cell in held if cell]
    least = FEW_ROWS if rows < FEW_ROWS else MANY_LINES
    return len(lines) > 1 and sorted(lines)[-2] >= least and _stands_in_rows([cell for cell in held if cell])


def _stands_in_rows(cells: list[list[Word]]) -> bool:
    return len(cells) > 1 and stand_in_rows(cells, font_size([word for cell in cells for word in cell]))


def _lies_in(word: Word, box: BoxOf) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _cell_text(words: list[Word]) -> str:
    return flat(join_lines(flat(line_text(line)) for line in lines_of(words)))
