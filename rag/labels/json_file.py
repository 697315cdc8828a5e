"""Labels in JSON: one object a line, a list, a table by columns, or a list somewhere in an object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rag.core.errors import DataError
from rag.labels.columns import is_head
from rag.labels.json_shapes import Record, records_of
from rag.labels.rows import FileRows, Row, too_long

# Where programs keep the list of their records, the first that is there counts.
LISTS = "data examples tests goldens questions samples rows records items results test_cases".split()
NOT_JSON, NO_OBJECT = "is not JSON", "is no object with a name for each value"


def read_json(text: str) -> FileRows | None:
    """Return the records of JSON or of JSON lines as rows, None where the text does not begin as JSON does.

    Numbers stay as they are written. Raises DataError where the text is no JSON and no line of it is.
    """
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        items = _items(_parsed(text))
        if not _has_objects(items):
            raise DataError("its JSON holds no objects with questions and answers")
        rows = _rows(enumerate(items, 1))
        return FileRows([replace(row, number=number) for number, row in enumerate(rows, 1)])
    except json.JSONDecodeError as error:
        return _read_lines(text, error)


def _read_lines(text: str, error: json.JSONDecodeError) -> FileRows:
    """Return the rows of JSON lines. error: what is wrong with the text as one piece of JSON."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    parsed = [(number, _parsed_line(line)) for number, line in lines]
    if not any(isinstance(item, dict) for _, item in parsed):
        place = f"{error.msg} in line {error.lineno}, at character {error.colno}"
        raise DataError(f"it is not JSON ({place}): mend that place, or make the file again") from error
    return FileRows(list(_rows(parsed)))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=lambda name: None)
    except RecursionError as error:
        raise DataError("its JSON nests too deeply") from error


def _parsed_line(line: str) -> Any:
    try:
        return _parsed(line)
    except json.JSONDecodeError as error:
        return Row(0, {"line": line}, NOT_JSON, f"{error.msg}, at character {error.colno}")


def _rows(items: Iterable[tuple[int, Any]]) -> Iterator[Row]:
    """Yield the rows of numbered items. An item with several questions gives as many rows of its number."""
    for number, item in items:
        if isinstance(item, Row):
            yield Row(number, item.cells, item.fault, item.detail)
        elif isinstance(item, dict):
            yield from (Row(number, record) for record in records_of(item))
        else:
            yield Row(number, {"item": item}, NO_OBJECT)


def _items(parsed: Any) -> list[Any]:
    """Return the list of records that a piece of JSON holds. Raises DataError where it is not clear which is meant."""
    if isinstance(parsed, list):
        return parsed
    if not isinstance(parsed, dict):
        return []
    for by_columns in (_from_columns, _from_split):
        if (found := by_columns(parsed)) is not None:
            return found
    lists = [name for name, value in parsed.items() if isinstance(value, list) and _has_objects(value)]
    if is_head(list(parsed)) or not lists:
        return [parsed]
    named = [name for name in LISTS if name in lists]
    if not named and len(lists) > 1:
        raise DataError(f"its JSON has several lists ({', '.join(lists)}): keep the one with the questions")
    found = parsed[(named or lists)[0]]
    return list(found)


def _has_objects(items: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in items)


def _from_columns(parsed: Record) -> list[Record] | None:
    """Return the rows of {"question": [...], "answer": [...]}, also with {"0": ...} for [...], as pandas writes it."""
    if not is_head(list(parsed)):
        return None
    columns = {name: list(v.values()) if isinstance(v, dict) else v for name, v in parsed.items()}
    lengths = {len(values) if isinstance(values, list) else -1 for values in columns.values()}
    if -1 in lengths:
        return None
    if len(lengths) > 1:
        counts = ", ".join(f"{name} {len(values)}" for name, values in columns.items())
        raise DataError(f"its columns differ in their numbers of values ({counts}): make the file again")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _from_split(parsed: Record) -> list[Record | Row] | None:
    """Return the rows of {"columns": [...], "data": [[...], ...]}, as pandas writes it with orient="split"."""
    names, rows = parsed.get("columns"), parsed.get("data")
    if not isinstance(names, list) or not isinstance(rows, list) or not is_head(names):
        return None
    return [
        dict(zip(map(str, names), row, strict=False))
        if len(row) <= len(names)
        else too_long(0, row, len(names), "name every column")
        for row in rows
        if isinstance(row, list)
    ]
