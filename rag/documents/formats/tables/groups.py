"""What a table writes once for several rows: a line that names a group of rows, or a first cell with gaps below it."""

from __future__ import annotations

import re

from rag.documents.formats.tables.cell_kinds import Kind, cell_kind, common_kind
from rag.documents.formats.tables.row import SAMPLE, Row, is_note, typical_width

TOTAL = re.compile(r"(?:sub|grand)?[\s-]*(?:totals?|sum|summe|gesamt|average|mean|balance)\b", re.I)
GROUPS = re.compile(
    r"\b(?:region|area|category|group|section|department|division|country|county|district|day|date|month|year|quarter"
    r"|office|site|location|building|floor|line|class|type|kind|team|project|customers?|bereich|gruppe|kategorie)\b",
    re.I,
)


def with_groups(names: tuple[str, ...], rows: list[Row]) -> tuple[tuple[str, ...], list[Row]]:
    """Return columns and rows with the name of each row's group in front, in a column without a name.

    Rows of one filled cell each name a group if the table begins with one, and others follow.
    """
    groups = [n for n, row in enumerate(rows) if names_group(row)]
    followed = all(n + 1 < len(rows) and not names_group(rows[n + 1]) for n in groups)
    if len(groups) < 2 or groups[0] != 0 or not followed or len(rows[0].cells) < 3 or len(groups) > len(rows) / 2:
        return names, rows
    found, group = [], ""
    one_total = sum(map(_is_total, rows)) < len(groups)
    for row in rows:
        if names_group(row):
            group = row.cells[0].rstrip(": ")
        else:
            outside = is_note(row) or (one_total and _is_total(row))
            found.append(Row(["" if outside else group, *row.cells], row.page))
    return (("", *names) if names else ()), found


def names_group(row: Row) -> bool:
    """Return whether a row holds nothing but words that can name the rows below it."""
    return row.filled == 1 and bool(row.cells[0]) and cell_kind(row.cells[0]).kind is Kind.WORDS and not is_note(row)


def filled_down(names: tuple[str, ...], rows: list[Row]) -> list[Row]:
    """Return the rows with gaps of the first column filled from above, where it seems to be written once for several.

    That is so where the cells beside the gaps come again for each group, or the column's name is that of a group.
    """
    if len(rows[0].cells) < 3 or not rows[0].cells[0] or not names:
        return rows
    typical = typical_width(rows)
    gaps = [row for row in rows if not row.cells[0] and not _is_total(row)]
    firsts = [row.cells[0] for row in rows if row.cells[0]]
    if (
        2 * len(gaps) < len(firsts)
        or len(set(firsts)) < len(firsts)
        or common_kind(firsts[:SAMPLE])[0] in (Kind.PROSE, Kind.NUMBER)
    ):
        return rows
    if any(not row.cells[1] or row.filled < typical - 1 for row in gaps):
        return rows
    seconds = [row.cells[1] for row in rows]
    if len(set(seconds)) > len(seconds) * 2 / 3 and not GROUPS.search(names[0]):
        return rows
    found, first = [], ""
    for row in rows:
        first = row.cells[0] or first
        found.append(row if _is_total(row) else Row([first, *row.cells[1:]], row.page))
    return found


def _is_total(row: Row) -> bool:
    return any(TOTAL.match(cell) for cell in row.cells[:2])
