"""What people have asked, in files: questions with their answers, and the log of real questions with thumbs and corrections."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.core.errors import TrainingError
from rag.generation.prompt import REFUSAL

LOGGED = {
    "text",
    "refused",
    "thumb",
    "correction",
}  # keys that tell a log from a file of answers: what it says was said, and need not be right


@dataclass(frozen=True)
class HumanQuestion:
    """A question; the answers that are right, none where the documents do not answer it; the document that answers it, "" where unknown."""

    question: str
    answers: tuple[str, ...]
    document: str


def read_human_questions(path: Path) -> Iterator[tuple[dict[str, Any], HumanQuestion | str]]:
    """-> each line of a .csv, .jsonl or .json-lines file, with what it asks or why it can't be used. Raises TrainingError when the file can't be read."""
    try:
        lines = list(_csv(path) if path.suffix.lower() == ".csv" else _json_lines(path))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise TrainingError(
            f"{path} can't be read ({error}): give UTF-8 CSV with a header line, or JSON lines"
        ) from error
    if lines and not any("question" in line for line in lines):
        raise TrainingError(f"{path} has no questions: name a column or key 'question', another 'answer' or 'answers'")
    for line in lines:
        yield line, as_asked(line)


def as_asked(line: dict[str, Any]) -> HumanQuestion | str:
    """-> what a line asks, or why it can't be used. A line of a log (LOGGED) teaches what a person has confirmed or corrected."""
    question, document = line.get("question"), line.get("document") or ""
    if not isinstance(question, str) or not question.strip():
        return "has no question"
    if not isinstance(document, str):
        return "names no document by its name"
    answers = _confirmed(line) if LOGGED & line.keys() else _answers(line)
    return (
        answers
        if isinstance(answers, str)
        else HumanQuestion(" ".join(question.split()), _without_refusal(answers), document)
    )


def _answers(line: dict[str, Any]) -> tuple[str, ...] | str:
    """An empty list says that nothing answers it; an empty cell says nothing."""
    found = line.get("answers", line.get("answer"))
    if found == []:
        return ()
    found = [found] if isinstance(found, str) else found
    if (
        not isinstance(found, list)
        or not all(isinstance(answer, str) for answer in found)
        or not any(answer.strip() for answer in found)
    ):
        return "has no answer"
    return tuple(answer.strip() for answer in found if answer.strip())


def _confirmed(line: dict[str, Any]) -> tuple[str, ...] | str:
    correction, thumb = line.get("correction"), line.get("thumb")
    if isinstance(correction, str) and correction.strip():
        return (correction.strip(),)
    if thumb == "up":
        return () if line.get("refused") else _answers({"answer": line["text"]} if line.get("text") else line)
    return "thumb down without a correction" if thumb == "down" else "no thumb and no correction"


def _without_refusal(answers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(answer for answer in answers if answer.rstrip(".") != REFUSAL.rstrip("."))


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        sample = file.read(10_000)
        file.seek(0)
        for line in csv.DictReader(file, delimiter=max(",;\t", key=sample.split("\n")[0].count)):
            yield {str(key).strip().lower(): value for key, value in line.items() if key is not None}


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise ValueError(f"line {number} is no object")
                yield line
