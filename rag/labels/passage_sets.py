"""Passages with questions (passages.jsonl, questions.jsonl) as a bench: files of documents, and where answers stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rag.core.errors import DataError
from rag.core.jsonl import read_lines, write_lines
from rag.labels.held_out import documents_of, held_out

PASSAGES, QUESTIONS = "passages.jsonl", "questions.jsonl"
BETWEEN = "\n\n"  # passages of one document
MAX_NAME = 200  # characters


def is_passage_set(folder: Path) -> bool:
    """Return whether a folder holds passages with questions."""
    return (folder / PASSAGES).is_file() and (folder / QUESTIONS).is_file()


def write_bench(folder: Path, out: Path, only_held_out: bool = False) -> None:
    """Write the passages of a folder as documents, one file a title, and its questions, both in the folder `out`.

    only_held_out: leave out the documents that what ships may have learned from. Raises DataError where a line lacks
    what it needs, or a question names a passage that is not there.
    """
    passages, questions = read_lines(folder / PASSAGES), read_lines(folder / QUESTIONS)
    texts: dict[str, str] = {}
    starts: dict[str, int] = {}
    rows = []
    try:
        titles = documents_of(passages)
        for row in passages:
            name = _file_name(titles[row["id"]])
            before = texts.get(name, "")
            starts[row["id"]] = len(before)
            texts[name] = f"{before}{row['text']}{BETWEEN}"
        for row in questions:
            rows.append(_moved(row, _file_name(titles[row["passage"]]), starts[row["passage"]]))
    except KeyError as error:
        raise DataError(f"{folder} is no set of passages and questions: {error} is missing") from error
    if only_held_out:
        texts = {name: text for name, text in texts.items() if held_out(name)}
        rows = [row for row in rows if held_out(row["document"])]
    if not rows:
        raise DataError(f"{folder} has no question about {'a held-out' if only_held_out else 'any'} document")
    (out / "documents").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / "documents" / name).write_text(text, encoding="utf-8")
    write_lines(out / QUESTIONS, rows)


def _moved(row: dict[str, Any], document: str, start: int) -> dict[str, Any]:
    """Return a question about a document instead of a passage, which starts at `start` there."""
    kept = {"id": row["id"], "question": row["question"], "answers": row["answers"]}
    return {**kept, "document": document, "start": start + row["start"] if row["answers"] else -1}


def _file_name(title: str) -> str:
    """Return a name that `held_out` takes for the same document as the title."""
    return re.sub(r"[^A-Za-z0-9]+", "-", re.sub(r"\.\w+$", "", title)).strip("-")[:MAX_NAME] + ".txt"
