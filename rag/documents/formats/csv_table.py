"""CSV files of any program: separators, comment lines and lines above the table are told from the file."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.encoding import decode
from rag.documents.formats.base.limits import DEFAULTS, progress
from rag.documents.formats.base.sections import Parsed, assemble, flat
from rag.documents.formats.tables.rows import table_blocks
from rag.documents.formats.tables.shape import names_score

SAMPLE_LINES = 200  # from which the separator is told
SAMPLE = 20_000  # characters
SEPARATORS = [",", ";", "\t", "|"]
SEP = re.compile(r"sep=(.)\s*", re.I)  # the first line of files for Excel


def parse_csv(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each row as one line, `column: value; column: value`, so that a row makes sense on its own."""
    csv.field_size_limit(max(settings.max_characters, 1))
    lines = decode(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    form: dict[str, Any] = {"skipinitialspace": True}
    if said := SEP.fullmatch(lines[0]):
        form["delimiter"], lines = said[1], lines[1:]
    comments, lines = _comments(lines)
    form = {**_form(lines), **form}
    rows = list(_rows(lines, form))
    if comments and (names := _commented_names(comments[-1], rows, form)):
        rows.insert(0, names)
        del comments[-1]
    above = [[line.lstrip("# ")] for line in comments if line.strip("# ")]
    return assemble(table_blocks([*above, *([[]] if above else []), *rows]), "\n")


def _comments(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the comment lines above the table, and all other lines."""
    count = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return lines[:count], lines[count:]


def _commented_names(comment: str, rows: list[list[str]], form: dict[str, Any]) -> list[str]:
    """Return the names of columns that the last comment line gives; [] where it has others, or the table its own."""
    names = [flat(cell) for cell in next(csv.reader([comment], **form))]
    body = [row for row in rows[:SAMPLE_LINES] if len(row) == len(names)]
    if len(names) < 2 or 2 * len(body) < len(rows[:SAMPLE_LINES]) or names_score(body[0], body[1:]) > 0:
        return []
    return [names[0].removeprefix("#").strip() or "#", *names[1:]]


def _form(lines: list[str]) -> dict[str, Any]:
    """Return how the file separates and quotes its cells, as csv.reader takes it."""
    from clevercsv.detect import Detector

    groups = groupby(lines[:SAMPLE_LINES], key=lambda line: bool(line.strip()))
    runs: list[list[str]] = [list(run) for filled, run in groups if filled]
    longest: list[str] = max(runs, key=lambda run: len(run), default=[])
    sample = "\n".join(longest)[:SAMPLE]  # without what stands apart from the table
    found = Detector().detect(sample, delimiters=SEPARATORS)
    if found is None or not found.delimiter or _is_prose(sample, found.delimiter):
        return {"delimiter": "\t"}  # one column
    escape = {"escapechar": "\\"} if '\\"' in sample and '""' not in sample else {}
    return {"delimiter": found.delimiter, "quotechar": found.quotechar or '"', **escape}


def _is_prose(sample: str, delimiter: str) -> bool:
    """Return whether the separator is but the punctuation of sentences, of which each line has its own number."""
    if '"' in sample or len(re.findall(rf"{re.escape(delimiter)}[^\n ]", sample)):
        return False
    counts = Counter(line.count(delimiter) for line in sample.split("\n") if line.strip())
    return len(counts) > 1


def _rows(lines: list[str], form: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the cells of each row, none for an empty row."""
    quote = form.get("quotechar", '"')
    broken = sum(line.count(quote) for line in lines) % 2  # a quotation mark that nothing closes
    reader = _line_by_line(lines, form, quote) if broken else csv.reader((f"{line}\n" for line in lines), **form)
    for row in reader:
        progress()
        cells = [flat(cell) for cell in row]
        yield cells if any(cells) else []


def _line_by_line(lines: Iterable[str], form: dict[str, Any], quote: str) -> Iterator[list[str]]:
    """Yield the cells of each line; in one with a stray quotation mark, all of them are plain characters."""
    for line in lines:
        quoting = csv.QUOTE_NONE if line.count(quote) % 2 else csv.QUOTE_MINIMAL
        yield next(csv.reader([line], **{**form, "quoting": quoting}), [])
