"""Files of people's questions: with their answers, or logs of real questions with thumbs and corrections."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.core.errors import TrainingError
from rag.generation.prompt import REFUSAL

# Keys that only lines of a log have. What a log calls the answer is what the system said, and need not be right.
LOG_KEYS = {"text", "refused", "thumb", "correction"}
SAMPLE = 10_000  # characters of a CSV file from which its delimiter is found


@dataclass(frozen=True)
class HumanQuestion:
    """A person's question.

    answers: those that are right, none where the documents do not answer it. document: the one that answers it, ""
    where that is not known.
    """

    question: str
    answers: tuple[str, ...]
    document: str


def read_human_questions(path: Path) -> Iterator[tuple[dict[str, Any], HumanQuestion | str]]:
    """Yield each line of a .csv or JSON-lines file with its question, or with the reason why it can't be used.

    Raises TrainingError where the file can't be read.
    """
    try:
        lines = list(_read_csv(path) if path.suffix.lower() == ".csv" else _read_json_lines(path))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise TrainingError(
            f"{path} can't be read ({error}): give UTF-8 CSV with a header line, or JSON lines"
        ) from error
    if lines and not any("question" in line for line in lines):
        raise TrainingError(f"{path} has no questions: name a column or key 'question', another 'answer' or 'answers'")
    for line in lines:
        yield line, parse_line(line)


def parse_line(line: dict[str, Any]) -> HumanQuestion | str:
    """Return a line's question, or the reason why it can't be used.

    Of a line of a log, only what a person has confirmed or corrected is an answer.
    """
    question, document = line.get("question"), line.get("document") or ""
    if not isinstance(question, str) or not question.strip():
        return "has no question"
    if not isinstance(document, str):
        return "names no document by its name"
    answers = _confirmed_answers(line) if LOG_KEYS & line.keys() else _answers(line)
    if isinstance(answers, str):
        return answers
    given = tuple(answer for answer in answers if answer.rstrip(".") != REFUSAL.rstrip("."))
    return HumanQuestion(" ".join(question.split()), given, document)


def _answers(line: dict[str, Any]) -> tuple[str, ...] | str:
    """Return the answers. An empty list means that nothing answers it; an empty cell means nothing."""
    found = line.get("answers", line.get("answer"))
    if found == []:
        return ()
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(isinstance(answer, str) for answer in found):
        return "has no answer"
    return tuple(answer.strip() for answer in found if answer.strip()) or "has no answer"


def _confirmed_answers(line: dict[str, Any]) -> tuple[str, ...] | str:
    correction, thumb = line.get("correction"), line.get("thumb")
    if isinstance(correction, str) and correction.strip():
        return (correction.strip(),)
    if thumb == "up":
        return () if line.get("refused") else _answers({"answer": line["text"]} if line.get("text") else line)
    return "thumb down without a correction" if thumb == "down" else "no thumb and no correction"


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.read(SAMPLE).split("\n")[0]
        file.seek(0)
        for line in csv.DictReader(file, delimiter=max(",;\t", key=header.count)):
            yield {str(key).strip().lower(): value for key, value in line.items() if key is not None}


def _read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise ValueError(f"line {number} is no object")
                yield line
