"""What a person has said of a run's rows, and what training makes of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from finetune.data import Row, Stage, TrainingError, read_lines, write_lines
from rag.scoring import normalize

STAGE = "review"
KEEP, MEND, DROP = "keep", "mend", "drop"
WEIGHT = 2  # about half of a small writer's questions are good (design.md): one that is known to be teaches as much as two that may be


@dataclass(frozen=True)
class Verdict:
    """id, row: of the row, and the digest of what was shown of it: a row that is made otherwise later is to be looked at again. question, answer: as mended;
    an empty answer is the refusal."""

    id: str
    row: str
    verdict: str
    question: str = ""
    answer: str = ""


def verdicts_of(run: str) -> dict[str, Verdict]:
    """-> the verdicts by the row that they are about."""
    path = _file(run)
    return {line["id"]: Verdict(**line) for line in read_lines(path)} if path.exists() else {}


def keep_verdict(run: str, verdict: Verdict) -> None:
    """On disk before the next row is shown."""
    write_lines(_file(run), {**verdicts_of(run), verdict.id: verdict}.values())


def _file(run: str) -> Path:
    return Stage(run, STAGE).folder / "verdicts.jsonl"


def shown_as(row: Row) -> str:
    """-> 12 hex digits of all that a row holds."""
    return hashlib.sha256(json.dumps(dataclasses.asdict(row), sort_keys=True).encode()).hexdigest()[:12]


def about(row: Row, verdicts: dict[str, Verdict]) -> Verdict | None:
    """-> the verdict on the row as it is now, if there is one."""
    found = verdicts.get(row.id)
    return found if found and found.row == shown_as(row) else None


def mended(row: Row, question: str, answer: str) -> Row:
    """-> the row with another question and answer, on the passages that it has. Raises TrainingError where none of them holds the answer."""
    if not answer:
        return dataclasses.replace(row, question=question, answer="", kind="unanswerable", cited=0)
    holding = [n for n, passage in enumerate(row.passages, 1) if f" {normalize(answer)} " in f" {normalize(passage.text)} "]
    if not holding or not normalize(answer):
        raise TrainingError(f"no passage shown holds {answer!r}: give it in a passage's own words")
    cited = row.cited if row.cited in holding else holding[0]
    home = row.passages[cited - 1]
    changed = {"document": home.document, "gold": (home.start, home.end), "passages": row.passages}
    return dataclasses.replace(row, question=question, answer=answer, kind="answerable", cited=cited, **changed)


def as_reviewed(rows: list[Row], verdicts: dict[str, Verdict], weight: int = 1) -> list[Row]:
    """-> the rows without dropped ones, mended where they were, and each that was looked at `weight` times: its share of the loss."""
    found: list[Row] = []
    for row in rows:
        said = about(row, verdicts)
        if said is None:
            found.append(row)
        elif said.verdict != DROP:
            found += [mended(row, said.question, said.answer) if said.verdict == MEND else row] * weight
    return found
