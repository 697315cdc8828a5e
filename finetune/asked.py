"""Questions that people asked, from files: question-answer pairs, and the log of `rag ask --log` with thumbs and corrections."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data import TrainingError
from rag.prompt import REFUSAL


@dataclass(frozen=True)
class Asked:
    """A person's question. answers: the acceptable ones, none where the file says that the documents do not answer it. document: the one that answers it,
    "" where the file names none. fault: why nothing can be learned from it, "" otherwise."""

    question: str
    answers: tuple[str, ...]
    document: str
    fault: str = ""


def read_asked(path: Path) -> list[Asked]:
    """-> the questions of a CSV file (by its ending) or of JSON lines. Raises TrainingError when it can't be read, naming the line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} can't be read ({error}): name a CSV file or JSON lines, in UTF-8") from error
    lines = list(_csv_lines(text, path) if path.suffix.lower() == ".csv" else _json_lines(text, path))
    if not lines:
        raise TrainingError(f"{path} holds no question: each line needs question, and answer or answers")
    return [_asked(line) for line in lines]


def _csv_lines(text: str, path: Path) -> Iterator[dict[str, Any]]:
    """Parted by whichever of comma, semicolon and tab the header has most of: spreadsheets write each of them, by country."""
    header = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    if "question" not in (reader.fieldnames or ()):
        raise TrainingError(f"{path} has the columns {header.strip()!r}, and none is called question: name it so in the first line")
    try:
        for line in reader:
            yield {**line, "answers": line["answers"].split("|")} if line.get("answers") else line
    except csv.Error as error:
        raise TrainingError(f"{path}:{reader.line_num} is not CSV ({error}): mend that line") from error


def _json_lines(text: str, path: Path) -> Iterator[dict[str, Any]]:
    for n, line in enumerate(text.split("\n"), 1):  # not splitlines, which also parts lines at U+2028 and U+0085
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise TrainingError(f"{path}:{n} is not JSON ({error}): mend that line") from error
        if not isinstance(found, dict) or not isinstance(found.get("question"), str):
            raise TrainingError(f'{path}:{n} has no question: a line looks like {{"question": "...", "answer": "..."}}')
        yield found


def _asked(line: dict[str, Any]) -> Asked:
    question, document = (line["question"] or "").strip(), str(line.get("document") or "").strip()
    answers, fault = _judged(line) if "thumb" in line or "correction" in line else _given(line)
    return Asked(question, answers, document, fault or ("" if question else "no question"))


def _given(line: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    if line.get("answers") is not None:
        return _texts(line["answers"]), ""
    return (_texts(line["answer"]), "") if line.get("answer") is not None else ((), "no answer, nor that there is none")


def _judged(line: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    """A correction is right whatever the thumb says; an answer that was shown is right with a thumb up."""
    if line.get("correction"):
        return _texts(line["correction"]), ""
    if line.get("thumb") == "up":
        return _given(line)
    known = {"down": "thumb down, and no correction", "": "neither thumb nor correction"}
    return (), known.get(line.get("thumb") or "", "its thumb is neither up nor down")


def _texts(given: Any) -> tuple[str, ...]:
    """-> the answers without blanks, each once; of refusals and empty ones nothing is left, which says that there is no answer."""
    texts = [str(answer).strip() for answer in (given if isinstance(given, list) else [given])]
    return tuple(dict.fromkeys(text for text in texts if text and text != REFUSAL))
