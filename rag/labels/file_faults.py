"""Why a whole file of labels can't be read, with the command that mends it and an example of one that can."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from rag.core.errors import DataError, DocumentError
from rag.documents.formats.base.encoding import decode
from rag.labels.columns import ANSWER, DOCUMENT, QUESTION, columns_of, role_of
from rag.labels.delimited import first_row

EXAMPLE = """  question,answer,document
  What is the supply voltage?,"24 V DC, tolerance 10 %",manual.md
  Who maintains the pump?,unanswerable,"""
EXPECTED = (
    "Expected is CSV, Excel, JSON or JSON lines with a column 'question', a column 'answer', and 'document' where it "
    f"is known, such as\n{EXAMPLE}"
)
# How files of data begin that are no text, what they are, and the command that makes something readable of them.
BINARY = (
    (
        b"PAR1",
        "a Parquet file",
        "python -c 'import sys, pandas; pandas.read_parquet(sys.argv[1]).to_json(sys.argv[2], orient=\"records\")' "
        "{file} {stem}.json",
    ),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted Excel file", "soffice --headless --convert-to xlsx {file}"),
    (b"\x1f\x8b", "a gzip archive", "gunzip {file}"),
)


def fault(path: Path, reason: str, remedy: str = "") -> DataError:
    """Return the error for a file that is not what is expected: what is wrong, how to mend it, and an example."""
    return DataError(f"{path} {reason}{f': {remedy}' if remedy else ''}\n{EXPECTED}")


def not_text(path: Path, data: bytes) -> DataError:
    """Return the error for a file that is neither text nor a workbook, with the command that makes one of it."""
    names = {"file": shlex.quote(str(path)), "stem": shlex.quote(str(path.with_suffix("")))}
    for begin, what, command in BINARY:
        if data.startswith(begin):
            return DataError(f"{path} is {what}: {command.format(**names)}")
    try:
        decode(data.replace(b"\0", b""))
    except DocumentError:
        return fault(path, "is binary data, not text", "export it as CSV")
    clean = shlex.quote(str(path.with_stem(f"{path.stem}-clean")))
    return DataError(f"{path} has zero bytes in its text: tr -d '\\000' < {names['file']} > {clean}")


def no_head(path: Path, text: str, encoding: str) -> DataError:
    """Return the error for a table without the names of its columns."""
    file, json = shlex.quote(str(path)), shlex.quote(str(path.with_suffix(".json")))
    if path.suffix.lower() in (".yaml", ".yml"):
        script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), open(sys.argv[2], 'w'))"
        return DataError(f'{path} is YAML: python -c "{script}" {file} {json}')
    cells, separator = first_row(text)
    asked = next((n for n, cell in enumerate(cells) if cell.strip().endswith("?")), None)
    if any(columns_of(role, cells) for role in (QUESTION, ANSWER)):
        return missing_column(path, cells)
    if asked is None:
        remedy = f"call the right two 'question' and 'answer', as in sed -i '1s/NAME/question/' {file}"
        return fault(
            path, f"names no column of questions and none of answers; its first row is {_listed(cells)}", remedy
        )
    head = separator.join(_names(cells, asked)).replace("\t", "\\t")
    convert = ""
    if encoding.startswith(("utf-16", "utf-32")):  # which sed can't edit
        other = shlex.quote(str(path.with_stem(f"{path.stem}-utf8")))
        convert, file = f"iconv -f {encoding} -t utf-8 {file} > {other} && ", other
    remedy = f"{convert}sed -i '1i {head}' {file}"
    return fault(path, f"has no row with the names of its columns; its first row is {_listed(cells)}", remedy)


def missing_column(path: Path, names: Sequence[str]) -> DataError:
    """Return the error for a file that has questions and no answers, or the other way round, or neither."""
    missing = [role for role in (QUESTION, ANSWER) if not columns_of(role, names)]
    remedy = f"call the one with the {missing[0]}s {missing[0]!r}"
    others = [name for name in names if not role_of(name)]
    if len(others) == len(missing) == 1 and re.fullmatch(r"[\w -]+", others[0]) and path.suffix != ".xlsx":
        remedy = f"sed -i '1s/{others[0]}/{missing[0]}/' {shlex.quote(str(path))}"
    words = " and none of ".join(f"{role}s" for role in missing)
    return fault(path, f"has no column of {words} among {_listed(names)}", remedy)


def _names(cells: Sequence[str], asked: int) -> list[str]:
    """Return names for the columns of a table whose questions stand in the column `asked`."""
    names = [DOCUMENT if re.fullmatch(r"[\w ./\\-]+\.\w{2,5}", cell.strip()) else "" for cell in cells]
    names[asked] = QUESTION
    free = [n for n, name in enumerate(names) if not name]
    answer = next((n for n in free if n > asked), free[0] if free else None)
    if answer is not None:
        names[answer] = ANSWER
    return [name or f"note{n}" for n, name in enumerate(names)]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:8])
    return shown + (", ..." if len(names) > 8 else "")
