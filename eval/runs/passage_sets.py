"""Passages with questions (passages.jsonl, questions.jsonl) as a bench: files of documents, and where answers stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from eval.runs.questions import read_rows
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_lines
from rag.labels.held_out import documents_of

PASSAGES, QUESTIONS = "passages.jsonl", "questions.jsonl"
BETWEEN = "\n\n"  # passages of one document
MAX_NAME = 200  # characters


def is_passage_set(folder: Path) -> bool:
    """Return whether a folder holds passages with questions."""
    return (folder / PASSAGES).is_file() and (folder / QUESTIONS).is_file()


def write_bench(folder: Path, out: Path) -> None:
    """Write the passages of a folder as documents, one file a title, and its questions, both in the folder `out`.

    Raises EvaluationError where a line lacks what it needs, or a question names a passage that is not there.
    """
    passages, questions = read_rows(folder / PASSAGES), read_rows(folder / QUESTIONS)
    try:
        names = {passage: _file_name(title) for passage, title in documents_of(passages).items()}
        texts: dict[str, str] = {}
        starts: dict[str, int] = {}
        for row in passages:
            before = texts.get(names[row["id"]], "")
            starts[row["id"]] = len(before)
            texts[names[row["id"]]] = f"{before}{row['text']}{BETWEEN}"
        rows = [_moved(row, names[row["passage"]], starts[row["passage"]]) for row in questions]
    except KeyError as error:
        raise EvaluationError(f"{folder} is no set of passages and questions: {error} is missing") from error
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
