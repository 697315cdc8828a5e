"""Rows and preference pairs that users' feedback proposes: training takes those that a person has kept or mended."""

from __future__ import annotations

from dataclasses import replace

from finetune.data.rows import PreferencePair, TrainingRow, read_pairs, read_rows
from finetune.data.split import TRAIN, Split
from finetune.data.verdicts import as_judged, is_judged, read_verdicts
from rag.core.run_folder import Stage

STAGE = "feedback"
PAIRS = "pairs.jsonl"


def feedback_rows(run: str) -> list[TrainingRow]:
    """Return the rows that feedback proposes, judged or not."""
    path = Stage(run, STAGE).folder / f"{TRAIN}.jsonl"
    return read_rows(path) if path.exists() else []


def accepted_feedback(run: str) -> dict[str, TrainingRow]:
    """Return the rows of feedback that people kept or mended, by the ids that they had before.

    Only those of passages to train on: held-out ones test what was learned.
    """
    split, verdicts, found = Split.of_run(run), read_verdicts(run), {}
    for proposed in feedback_rows(run):
        row = as_judged(proposed, verdicts) if is_judged(proposed, verdicts) else None
        if row and split.part_of(row.document, row.gold[0]) == TRAIN:
            found[proposed.id] = row
    return found


def accepted_pairs(run: str) -> list[PreferencePair]:
    """Return the preference pairs of accepted feedback: what is right, and what was said in its place."""
    rows, path = accepted_feedback(run), Stage(run, STAGE).folder / PAIRS
    pairs = [pair for pair in read_pairs(path) if pair.row.id in rows] if path.exists() else []
    return [replace(pair, row=rows[pair.row.id], chosen=rows[pair.row.id].target) for pair in pairs]
