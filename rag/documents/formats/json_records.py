"""JSON and JSON lines: records as `key: value` lines, with their values as cells of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.core.table_cell import TableCell
from rag.documents.formats.base.encoding import decode
from rag.documents.formats.base.limits import DEFAULTS, progress
from rag.documents.formats.base.sections import Parsed, Section, assemble, flat
from rag.documents.formats.tables.cell_kinds import Kind, cell_kind
from rag.documents.formats.tables.row_names import LONGEST_NAME
from rag.documents.formats.tables.rows import table_blocks

DEEPEST = 20  # levels of a record that are spelt out; what lies deeper is shown as JSON
NAMES = ("name", "title", "label", "id", "key", "code", "number")  # what a record's own name is called, the best first

SORTS = frozenset(("type", "@type", "kind", "class", "status"))  # what many records have in common
DESCRIBING = ("properties", "attributes", "fields")  # what holds the values of a record in formats of geography


@dataclass
class Record:
    """An object with values of its own: one of a list, or one under a name. row: its number in the document."""

    row: int
    name: str


@dataclass(frozen=True)
class Line:
    """A line of a record. key: the names of the objects around the value from the top down, and its own.

    column: the last of them, from the record down. record: None for the empty line between two records.
    """

    key: str = ""
    column: str = ""
    value: str = ""
    record: Record | None = None


def parse_json_lines(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each line's record as a section of `key: value` lines, nested keys joined by dots."""
    lines = enumerate(decode(data).split("\n"), 1)
    return _parsed(_json(line, f"line {number}") for number, line in lines if line.strip())


def parse_json(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each item of a list, or anything else as a whole, as a section of `key: value` lines."""
    found = _json(decode(data), "it")
    if _is_table(found):
        return assemble(
            table_blocks([[flat(_plain(cell)) if cell is not None else "" for cell in row] for row in found]), "\n"
        )
    return _parsed(found if isinstance(found, list) else [found])


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        remedy = "mend that place; a copy that broke off is best made again"
        raise DocumentError(f"{where} is not JSON ({error})", remedy) from error
    except RecursionError as error:
        raise DocumentError(f"{where} nests too deeply", "flatten it, or name it in .ragignore") from error


def _is_table(value: Any) -> bool:
    """Return whether it is a list of rows, each a list of plain values."""
    rows = value if isinstance(value, list) and len(value) > 1 else [None]
    return all(isinstance(row, list) and not any(isinstance(cell, dict | list) for cell in row) for row in rows)


def _parsed(values: Iterable[Any]) -> Parsed:
    parts: list[str] = []
    sections: list[Section] = []
    end = 0
    walk = _Walk()
    for value in values:
        progress()
        start, cells, apart = end, list[TableCell](), ""
        for line in walk.lines(value):
            if line.record is None:
                apart = "\n" if end > start else ""
                continue
            label = f"{apart}{line.key}: " if line.key else apart
            apart = ""
            if line.value and line.column:
                at = end + len(label)
                cells.append(TableCell(at, at + len(line.value), line.record.row, line.record.name, line.column))
            parts.append(f"{label}{line.value}\n")
            end += len(parts[-1])
        if end > start:
            parts.append("\n")
            end += 1
            sections.append(Section(start, end, cells=tuple(cells)))
    return Parsed("".join(parts), sections)


class _Walk:
    """Goes through values and numbers the records in them."""

    def __init__(self) -> None:
        self._rows = 0

    def lines(self, value: Any) -> Iterator[Line]:
        """Yield the lines of a value that stands for itself; none of an empty one."""
        yield from self._lines(value, "", "", self._record("", value), 0)

    def _lines(self, value: Any, key: str, column: str, record: Record, depth: int) -> Iterator[Line]:
        if depth < DEEPEST and isinstance(value, dict):
            apart = len(value) > 1 and all(isinstance(inner, dict) and inner for inner in value.values())
            for name, inner in value.items():
                of, within = (self._record(record.name, inner, name), "") if apart else (record, _joined(column, name))
                yield from self._lines(inner, _joined(key, name), within, of, depth + 1)
        elif depth < DEEPEST and isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            for n, item in enumerate(value):
                if n and isinstance(item, dict):
                    yield Line()
                own = self._record(record.name, item) if isinstance(item, dict) else record
                yield from self._lines(item, key, "" if own is not record else column, own, depth + 1)
        elif value not in (None, "", [], {}):
            words = ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
            yield Line(key, column, words, record)

    def _record(self, outer: str, value: Any, name: str = "") -> Record:
        self._rows += 1
        own = flat(name or (_name_of(value) if isinstance(value, dict) else ""))
        return Record(self._rows - 1, ", ".join(filter(None, (outer, own)))[:LONGEST_NAME])


def _joined(outer: str, name: str) -> str:
    return f"{outer}.{name}" if outer else name


def _name_of(record: dict[str, Any]) -> str:
    """Return what names a record: the value of a key that says so, else its first words or code."""
    inner = [value for key, value in record.items() if key in DESCRIBING and isinstance(value, dict)]
    plain: dict[str, str] = {}
    for each in (record, *inner):
        for key, value in each.items():
            if isinstance(value, str | int) and not isinstance(value, bool) and key.lower() not in SORTS:
                plain.setdefault(key.lower(), _plain(value))
    for name in NAMES:
        if plain.get(name):
            return plain[name]
    return next((value for value in plain.values() if cell_kind(value).kind in (Kind.WORDS, Kind.CODE)), "")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
