"""What names a row of a table: its first cell, or another where the first is a serial number, empty or repeated."""

from __future__ import annotations

from collections.abc import Sequence

from rag.documents.formats.tables.cell_kinds import Kind, cell_kind, common_kind

SAMPLE = 60  # rows from which a column's kind is told
WITHIN = 6  # columns among which one that names the rows is looked for
MOST_TOGETHER = 3  # columns that name a row together
MOSTLY = 0.8  # of the cells of a column that names rows are filled
DISTINCT = 0.98
LONGEST_NAME = 120  # characters
SERIAL = frozenset("# no no. nr nr. num number pos pos. item s/n sn sl. index idx id lfd. lfd.nr. n° row rank".split())


def row_names(columns: Sequence[str], rows: list[list[str]]) -> list[str]:
    """Return the name of each row, "" where it holds nothing. columns: their names, () where they have none."""
    if not rows:
        return []
    naming = _naming_columns(columns, rows)
    return [(", ".join(filter(None, (row[n] for n in naming))) or _any_name(row))[:LONGEST_NAME] for row in rows]


def _any_name(row: list[str]) -> str:
    """Return the first words or code of a row that has no name where the others have theirs, such as a total."""
    filled = [cell for cell in row if cell]
    return next((cell for cell in filled if cell_kind(cell).kind in (Kind.WORDS, Kind.CODE)), "".join(filled[:1]))


def _naming_columns(columns: Sequence[str], rows: list[list[str]]) -> list[int]:
    """Return the first column that tells the rows apart, else columns that do so together.

    The second can do so alone if it holds words or codes, the third if codes.
    """
    usable: list[int] = []
    in_group = bool(columns) and not columns[0]  # the group of each row stands in front
    for n in range(min(WITHIN, len(rows[0]))):
        cells = [row[n] for row in rows]
        filled = sum(map(bool, cells))
        kind = common_kind(cells[:SAMPLE])[0]
        name = columns[n] if columns else ""
        gaps = filled < MOSTLY * len(rows) and not (n == 0 and in_group)
        if gaps or kind in (Kind.PROSE, Kind.FLAG) or (n == 0 and _is_serial(name, cells)):
            continue
        alone = (True, kind in (Kind.WORDS, Kind.CODE), kind is Kind.CODE and not in_group)
        if len(usable) < len(alone) and alone[len(usable)] and len(set(cells)) >= DISTINCT * len(rows):
            return [n]
        usable.append(n)
    return _together(usable, rows) or [0]


def _together(usable: list[int], rows: list[list[str]]) -> list[int]:
    """Return the first of these columns with those that help to tell the rows apart."""
    naming, told_apart = usable[:1], len({row[n] for n in usable[:1] for row in rows})
    for n in usable[1:]:
        if told_apart >= DISTINCT * len(rows) or len(naming) == MOST_TOGETHER:
            break
        if (more := len({tuple(row[m] for m in (*naming, n)) for row in rows})) > told_apart:
            naming, told_apart = [*naming, n], more
    return naming


def _is_serial(name: str, cells: list[str]) -> bool:
    """Return whether cells only count the rows from 0 or 1, below no name that gives the numbers a meaning."""
    if name and name.lower() not in SERIAL:
        return False
    numbers = [cell.strip("#. ") for cell in cells if cell]
    if not numbers or numbers[0] not in ("0", "1") or not all(map(str.isdecimal, numbers)):
        return False
    first = int(numbers[0])
    return all(len(text) < 9 and int(text) == n for n, text in enumerate(numbers, first))
