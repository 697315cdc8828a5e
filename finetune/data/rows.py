"""Triplets (question, retrieved context, answer) and preference pairs, as JSON lines in var/runs/<name>/<stage>/."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from rag.core.errors import RagtuneError
from rag.documents.chunking import Chunk
from rag.generation import prompt

RUNS = Path("var/runs")
T = TypeVar("T")


class TrainingError(RagtuneError):
    """A stage of training can't go on: something before it is missing, changed, or too small."""


@dataclass(frozen=True)
class Row:
    """A training triplet. kind: "answerable", or why the label is the refusal. gold: (start, end) of the chunk that the question was
    written from, in `document`. passages: the context as the serving retriever gave it. answer: the span asked for, in any case;
    cited: number (from 1) of the passage that holds it, 0 when the label is the refusal. also: of others without which it can't be told."""

    id: str
    question: str
    answer: str
    kind: str
    document: str
    gold: tuple[int, int]
    passages: tuple[Chunk, ...]
    cited: int
    also: tuple[int, ...] = ()

    @property
    def homes(self) -> dict[str, tuple[int, int]]:
        """document: (start, end) of its chunk, of those that the question was made from."""
        others = (self.passages[number - 1] for number in self.also)
        return {**{chunk.document: (chunk.start, chunk.end) for chunk in others}, self.document: self.gold}

    @property
    def told_at_home(self) -> bool:
        """Whether the chunk that the question was written from answers it, shown or not: not where it was twisted or mended to have no answer."""
        return bool(self.cited) or self.kind in ("left out", "not retrieved")

    @property
    def target(self) -> str:
        """What the generator should write."""
        return prompt.answer_text(self.answer, self.cited, *self.also) if self.cited else prompt.REFUSAL


@dataclass(frozen=True)
class Pair:
    """A preference pair for DPO: two outputs for one row, and the check that the rejected one fails."""

    row: Row
    chosen: str
    rejected: str
    reason: str


def _chunk(data: dict[str, Any]) -> Chunk:
    return Chunk(**{**data, "headings": tuple(data["headings"])})


def row_from_json(data: dict[str, Any]) -> Row:
    return Row(
        **{
            **data,
            "gold": tuple(data["gold"]),
            "also": tuple(data.get("also", ())),
            "passages": tuple(map(_chunk, data["passages"])),
        }
    )


def read_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:  # not str.splitlines, which also parts lines at U+2028 and U+0085
        return [json.loads(line) for line in file]


def read_rows(path: Path) -> list[Row]:
    return [row_from_json(line) for line in read_lines(path)]


def read_pairs(path: Path) -> list[Pair]:
    return [Pair(**{**line, "row": row_from_json(line["row"])}) for line in read_lines(path)]


def write_lines(path: Path, items: Iterable[Any]) -> None:
    """Dataclasses or dicts as JSON lines, written aside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as file:
        for item in items:
            data = dataclasses.asdict(item) if dataclasses.is_dataclass(item) else item
            file.write(json.dumps(data, ensure_ascii=False) + "\n")
    aside.rename(path)


def kept_lines(path: Path, items: Sequence[T], work: Callable[[T], Any], label: str) -> list[Any]:
    """-> what `work` makes of each item, in their order: a line of JSON each, appended to `path` as soon as it is made, so that a killed run goes on where it
    was. The path must name all that the lines depend on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.read_bytes() if path.exists() else b""
    made = [json.loads(line) for line in whole.split(b"\n")[:-1]]
    with path.open("ab") as file, tqdm(total=len(items), initial=len(made), desc=label, unit=" questions") as bar:
        file.truncate(whole.rfind(b"\n") + 1)  # a kill can leave half a line
        for item in items[len(made) :]:
            made.append(work(item))
            file.write(json.dumps(made[-1], ensure_ascii=False).encode() + b"\n")
            file.flush()
            bar.update()
    return made


def digest(path: Path) -> str:
    """-> 12 hex digits of the file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def digest_of(words: list[str], files: Iterable[Path]) -> str:
    """-> 12 hex digits of all that something depends on, as a part of its file's name."""
    found = hashlib.sha256("\0".join(words).encode())
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


@dataclass(frozen=True)
class Stage:
    """One stage's folder in a run: var/runs/<run>/<name>/. Its run.json is written last, so its presence means finished."""

    run: str
    name: str

    @property
    def folder(self) -> Path:
        return RUNS / self.run / self.name

    @property
    def finished(self) -> bool:
        return (self.folder / "run.json").exists()

    def receipt(self) -> dict[str, Any]:
        """-> run.json. Raises TrainingError when the stage has not finished."""
        if not self.finished:
            raise TrainingError(f"{self.folder} is not finished: python -m finetune {self.name} --run {self.run}")
        return json.loads((self.folder / "run.json").read_text(encoding="utf-8"))

    def finish(self, receipt: dict[str, Any]) -> None:
        write_lines(self.folder / "run.json", [receipt])

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
