"""Questions with answers that people have written: question-answer files (CSV, JSON lines) and the log of `rag ask --log`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data import TrainingError
from rag import prompt
from rag.errors import DocumentError
from rag.formats.encoding import decode

LOGGED = {"thumb", "correction", "refused"}  # fields that a log has and a question-answer file has not


@dataclass(frozen=True)
class Item:
    """A question of a file. answers: any of which is right; empty where the documents do not answer. document: that the answer stands in, "" if not told."""

    question: str
    answers: tuple[str, ...]
    document: str = ""


@dataclass(frozen=True)
class Refused:
    """An entry that gives no item. line: of the file, from 1."""

    line: int
    question: str
    reason: str


def read_items(path: Path) -> list[tuple[int, Item | Refused]]:
    """-> (line, item or why there is none) of each entry. CSV by its suffix, else JSON lines. Raises TrainingError where nothing can be read."""
    try:
        text = decode(path.read_bytes())
        entries = list(_table(text, path) if path.suffix.lower() in (".csv", ".tsv") else _lines(text))
    except (OSError, DocumentError, csv.Error) as error:
        raise TrainingError(f"{path} can't be read ({error}): python -m finetune import takes a CSV or JSON-lines file") from error
    log = any(isinstance(entry, dict) and LOGGED & entry.keys() for _, entry in entries)
    return [(line, entry if isinstance(entry, Refused) else _item(line, entry, log)) for line, entry in entries]


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines, which also parts lines at U+2028
        if line.strip():
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            yield number, entry if isinstance(entry, dict) else Refused(number, "", "not a JSON object")


def _table(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    """Entries of a table whose first line names its columns, parted by what stands most often in that line."""
    lines = text.split("\n")
    reader = csv.DictReader((line + "\n" for line in lines), delimiter=max(",;\t", key=lines[0].count))
    names = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if "question" not in names or not {"answer", "answers", *LOGGED} & set(names):
        raise TrainingError(f"{path} has the columns {', '.join(names)}: its first line must name question, answer, and if known document")
    reader.fieldnames = names
    for row in reader:
        if any(row.values()):
            yield reader.line_num, row


def _item(line: int, entry: dict[str, Any], log: bool) -> Item | Refused:
    question = " ".join(str(entry.get("question") or "").split())
    if not question:
        return Refused(line, "", "no question")
    found = _judged(entry) if log else _answers(entry)
    if isinstance(found, str):
        return Refused(line, question, found)
    answers = tuple(clean for answer in found if (clean := " ".join(answer.split())))
    return Item(question, () if any(prompt.parse(a).refused for a in answers) else answers, str(entry.get("document") or "").strip())


def _answers(entry: dict[str, Any]) -> list[str] | str:
    """-> acceptable answers, or why they are not known. An empty answer is one: the documents do not have it."""
    if not {"answer", "answers"} & entry.keys():
        return "neither answer nor answers"
    given = entry["answers"] if "answers" in entry else entry["answer"]
    if isinstance(given, str) and given.lstrip().startswith("["):  # a list in a table's cell
        try:
            given = json.loads(given)
        except ValueError:
            given = [given]
    given = given if isinstance(given, list) else [given]
    return [str(answer) for answer in given if answer is not None]


def _judged(entry: dict[str, Any]) -> list[str] | str:
    """-> what a person said is right of a logged answer: the correction, else the answer with its thumb up."""
    correction = str(entry.get("correction") or "").strip()
    if correction:
        return [correction]
    thumb = str(entry.get("thumb") or "").strip().lower()
    if thumb == "up":
        return [] if str(entry.get("refused")).lower() == "true" else [prompt.parse(str(entry.get("answer") or "")).text]
    return "judged wrong, without a correction" if thumb == "down" else "nobody has judged the answer"
