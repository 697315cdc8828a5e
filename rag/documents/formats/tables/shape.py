"""The parts of a table: lines above it, the names of its columns, and its rows."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import NamedTuple

from rag.documents.formats.tables.cell_kinds import TYPED, Kind, cell_kind, common_kind, is_period
from rag.documents.formats.tables.header import header_score, sheet_score
from rag.documents.formats.tables.row import SAMPLE, Row, is_rule, typical_width, unspanned

DEEPEST_HEAD = 15  # rows within which a header is looked for
UNIT = re.compile(
    r"[\[(].{1,12}[\])]|%|‰|[€$£¥]|°[CF]?|[kmcdµn]?(?:m[²³23]?|g|l|W|V|A|Hz|Pa|bar|N|Nm|J|s|h|min|Wh)|t|ha|ft|in|kn|km/h"
    r"|m/s|eur|usd|gbp|pcs|units?|hours?|days?|years?|tonnes?|tons?|litres?|euros?|pounds?|kVA|rpm|dB|mm|cm|nm|St\.?",
    re.I,
)


class Shape(NamedTuple):
    """The parts of a table: lines above it, the names of its columns, () where it has no header, and its rows."""

    before: list[Row]
    names: tuple[str, ...]
    body: list[Row]


def table_shape(rows: list[Row], header: int | None = None) -> Shape:
    """Return the parts of rows of one width, none of them empty.

    header: how many rows at the top name the columns, where the format says so.
    """
    rows = [row for row in map(unspanned, rows) if not is_rule(row)]
    if header is None:
        start, end = _found_head(rows)
    else:
        titles = takewhile(lambda row: row.filled < min(2, len(row.cells)), rows[:header])
        start, end = len(list(titles)), header
    if header and start >= min(header, len(rows)):
        below = table_shape(rows[start:])  # only a title is marked as the header
        return below._replace(before=rows[:start] + below.before)
    head, body = rows[start:end], rows[end:]
    names = joined_names([row.cells for row in head])
    if names and body and _is_units(body[0].cells, [row.cells for row in body[1:SAMPLE]]):
        units = body[0].cells if UNIT.fullmatch(body[0].cells[0]) else ["", *body[0].cells[1:]]
        names, body = _with_units(names, units), body[1:]
    repeated = [row.cells for row in head]
    body = [row for row in body if row.cells not in repeated]
    if not body:
        return Shape([*rows[:start], *(Row(["; ".join(filter(None, row.cells))], row.page) for row in head)], (), [])
    return Shape(rows[:start], names, body)


def _found_head(rows: list[Row]) -> tuple[int, int]:
    """Return the numbers of the first row that names columns and of the first below it, equal ones where none does."""
    typical, first = typical_width(rows), 0
    while first < len(rows) - 1 and rows[first].filled < min(2, typical):
        first += 1
    scores: dict[int, float] = {}
    for at in range(first, min(first + DEEPEST_HEAD, len(rows) - 1)):
        if rows[at].filled >= min(2, typical):
            scores[at] = names_score(rows[at].cells, [below.cells for below in rows[at + 1 : at + 1 + SAMPLE]])
        if rows[at].filled >= typical and not _is_group_of(rows[at].cells, rows[at + 1].cells):
            break  # the first row that is as full as the others names the columns, or one above it does
    best = max(scores, key=scores.__getitem__, default=None)
    return _whole_head(rows, best) if best is not None and scores[best] > 0 else (first, first)


def names_score(head: list[str], rows: list[list[str]]) -> float:
    """Return how likely a row names the columns of those below it: above 0 for more likely than not."""
    columns = [list(cells) for cells in zip(*(row for row in rows if row != head), strict=True)]
    colons = sum(cell.endswith(":") for cell in head)
    named = [n for n, name in enumerate(head) if name]
    valued = [n for n, cells in enumerate(columns) if any(cells)]
    if 2 * len(set(named) & set(valued)) < len(named) or len(named) / 3 <= colons < len(named):
        return -1.0  # hardly a value below the names, or the labels of a form
    score = header_score(head, columns)
    used = sorted({*named, *valued})
    if len(used) == 1:
        return score - 0.7
    if len(used) == 2:
        labels, values = ([head[n], *columns[n]] for n in used)
        return score - sheet_score(labels, values)
    return score


def _could_group(row: Row) -> bool:
    """Return whether a row can name groups of columns: gaps or equal neighbours, and words or periods alone."""
    pairs = zip(row.cells, row.cells[1:], strict=False)
    return any(a == b or not b or not a for a, b in pairs) and all(map(_can_name, filter(None, row.cells)))


def _can_name(text: str) -> bool:
    return cell_kind(text).kind not in TYPED | {Kind.PROSE} or is_period(text)


def _whole_head(rows: list[Row], at: int) -> tuple[int, int]:
    """Return the numbers of the first row of a header of which rows[at] is one, and of the first row below it."""
    first, last = at, at + 1
    while first and _is_group_of(rows[first - 1].cells, rows[first].cells):
        first -= 1
    while last < len(rows) - 1 and _is_group_of(rows[last - 1].cells, rows[last].cells):
        below = [row.cells for row in rows[last + 1 : last + 1 + SAMPLE]]
        if not all(map(_can_name, filter(None, rows[last].cells))) or names_score(rows[last].cells, below) <= 0:
            break
        last += 1
    return first, last


def _is_group_of(upper: list[str], lower: list[str]) -> bool:
    """Return whether the upper row names groups of the columns that the lower one names."""
    if not _could_group(Row(upper)) or sum(map(bool, upper)) == 1 and upper[0]:
        return False
    spread = _spread(upper, lower)
    grouped = [n for n, group in enumerate(spread) if group and lower[n] and lower[n] != group]
    wide = [n for n in grouped if spread.count(spread[n]) > 1]
    alone = [n for n in range(len(upper)) if n not in wide and upper[n] and lower[n] and upper[n] != lower[n]]
    return bool(wide) and len(alone) <= len(wide) // 2


def _spread(upper: list[str], lower: list[str]) -> list[str]:
    """Return the upper names with gaps to the right of a group's name filled by it."""
    spread, group = [], ""
    for name, below in zip(upper, lower, strict=True):
        if name:
            group = name if below and below != name else ""
        spread.append(name or (group if below else ""))
    return spread


def joined_names(head: list[list[str]]) -> tuple[str, ...]:
    """Return the names of the columns: that of the group before the column's own where the header has more rows."""
    if not head:
        return ()
    spread = [*(_spread(upper, lower) for upper, lower in zip(head, head[1:], strict=False)), head[-1]]
    return tuple(" ".join(dict.fromkeys(filter(None, names))).rstrip(": ") for names in zip(*spread, strict=True))


def _is_units(row: list[str], below: list[list[str]]) -> bool:
    """Return whether a row below the header gives the units of its columns."""
    filled = [n for n, cell in enumerate(row) if cell]
    if filled[:1] == [0] and len(filled) > 2 and not UNIT.fullmatch(row[0]):
        filled = filled[1:]  # "Unit" or the like stands in front
    return (
        bool(below)
        and all(UNIT.fullmatch(row[n]) for n in filled)
        and all(common_kind([cells[n] for cells in below])[0] in (Kind.NUMBER, Kind.GAP) for n in filled)
    )


def _with_units(names: tuple[str, ...], units: list[str]) -> tuple[str, ...]:
    return tuple(f"{name} ({unit.strip('[]()')})" if unit else name for name, unit in zip(names, units, strict=True))
