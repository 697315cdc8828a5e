"""Records in text: CSV, JSON and JSON lines."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.encoding import decode
from rag.documents.formats.limits import DEFAULTS
from rag.documents.formats.sections import Parsed, Section, assemble, flat
from rag.documents.formats.tables import table_blocks

DEEPEST = 20  # levels of a record that are spelt out; what lies deeper is shown as JSON
SNIFFED = 4096  # characters from which the delimiter of a CSV file is guessed


def parse_csv(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each row as one line, `column: value; column: value`, so that a row makes sense on its own."""
    text = decode(data)
    dialect: type[csv.Dialect] = csv.excel
    with contextlib.suppress(csv.Error):  # one column has no delimiter to find
        dialect = csv.Sniffer().sniff(text[:SNIFFED], ",;\t|")
    csv.field_size_limit(max(settings.max_characters, 1))
    rows = [[flat(cell) for cell in row] for row in csv.reader(io.StringIO(text), dialect) if any(row)]
    return assemble(table_blocks(rows), "\n")


def parse_json_lines(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each line's record as a section of `key: value` lines, nested keys joined by dots."""
    lines = enumerate(decode(data).split("\n"), 1)
    return _records(_json(line, f"line {number}") for number, line in lines if line.strip())


def parse_json(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each item of a list, or anything else as a whole, as a section of `key: value` lines."""
    found = _json(decode(data), "it")
    return _records(found if isinstance(found, list) else [found])


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        remedy = "mend that place; a copy that broke off is best made again"
        raise DocumentError(f"{where} is not JSON ({error})", remedy) from error
    except RecursionError as error:
        raise DocumentError(f"{where} nests too deeply", "flatten it, or name it in .ragignore") from error


def _records(records: Iterable[Any]) -> Parsed:
    parts: list[str] = []
    sections: list[Section] = []
    end = 0
    for record in records:
        body = "\n".join(_pairs(record, "", 0))
        if body.strip():
            parts += (body, "\n\n")
            sections.append(Section(end, end + len(body) + 2))
            end += len(body) + 2
    return Parsed("".join(parts), sections)


def _pairs(value: Any, key: str, depth: int) -> Iterator[str]:
    """Yield the `key: value` lines of a record; a list of plain values stands on one line."""
    if depth < DEEPEST and isinstance(value, dict):
        for name, inner in value.items():
            yield from _pairs(inner, f"{key}.{name}" if key else name, depth + 1)
    elif depth < DEEPEST and isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for item in value:
            yield from _pairs(item, key, depth + 1)
    elif value not in (None, "", [], {}):
        words = ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
        yield f"{key}: {words}" if key else words


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
