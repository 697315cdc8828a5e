"""From a document to what it taught: the rows that were made of it, and the adapters that learned from them, over all runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from finetune.data import RUNS, Row, read_lines, row_from_json
from rag.adapters import RECORD, read_identity
from rag.pipeline import LIVE, live_adapter


@dataclass(frozen=True)
class TaughtRow:
    """A row in a file of a run; line: from 1."""

    file: Path
    line: int
    row: Row


@dataclass(frozen=True)
class TaughtAdapter:
    """An adapter, how many of the questions in its record the document answers, and the digest of the rows that it learned from."""

    folder: Path
    questions: int
    of: int
    data: str


def rows_taught(document: str) -> tuple[list[TaughtRow], int]:
    """-> the rows that ask about the document, and how many others only show a passage of it."""
    found, shown = [], 0
    for file in sorted(path for name in ("train", "dev") for path in RUNS.glob(f"*/*/{name}.jsonl")):
        for n, row in enumerate(_rows(file), 1):
            if row.document == document:
                found.append(TaughtRow(file, n, row))
            else:
                shown += any(passage.document == document for passage in row.passages)
    return found, shown


def _rows(file: Path) -> Iterator[Row]:
    """Of rows, and of preference pairs, which hold one each."""
    for line in read_lines(file):
        data = line.get("row", line)
        if isinstance(data, dict) and "passages" in data:
            yield row_from_json(data)


def adapters_taught(document: str) -> list[TaughtAdapter]:
    """-> the adapters of all runs, and the promoted ones, whose record has a question on the document."""
    found = []
    for record in sorted([*RUNS.glob(f"*/*/adapter/{RECORD}"), *LIVE.parent.glob(f"*/{RECORD}")]):
        questions = json.loads(record.read_text(encoding="utf-8"))["questions"]
        taught = sum(_of(question) == document for question in questions)
        if taught:
            found.append(TaughtAdapter(record.parent, taught, len(questions), read_identity(record.parent)["data"]))
    return found


def _of(question: dict[str, str]) -> str:
    """Records made before they named the document have it at the start of the row's id, before the place and the question."""
    return question["document"] if "document" in question else question["id"].removesuffix(f":{question['question']}").rpartition(":")[0]


def told(document: str) -> str:
    """-> what the document taught, for people."""
    rows, shown = rows_taught(document)
    adapters, live = adapters_taught(document), live_adapter()
    lines = [f"{r.file}:{r.line}  characters {r.row.gold[0]} to {r.row.gold[1]}: {r.row.question} -> {r.row.target}" for r in rows]
    lines += [f"{a.folder}  {a.questions} of {a.of} questions; rows {a.data}{'; live' if a.folder == live else ''}" for a in adapters]
    lines.append(
        f"{document} taught {len(rows)} rows in {len({r.file for r in rows})} files, and {len(adapters)} adapters; {shown} other rows show a passage of it"
    )
    if rows or adapters or shown:
        lines.append(f"to unteach it: rag remove {document!r}, delete the runs and adapters named, and make train")
    return "\n".join(lines)
