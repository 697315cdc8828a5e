"""The rows that a run learns from: what was mined and what was imported, as a person has left it."""

from __future__ import annotations

from finetune.data import Row, Stage, TrainingError, read_rows, write_lines
from finetune.importing import STAGE, imported
from finetune.verdicts import WEIGHT, as_reviewed, verdicts_of

PARTS = ("train", "dev")


def gather(mined: Stage, part: str) -> list[Row]:
    """-> the run's rows of a part; of two with one id the imported one, which a person has asked."""
    mined.receipt()
    rows = [*read_rows(mined.folder / f"{part}.jsonl"), *imported(Stage(mined.run, STAGE), part)]
    return list({row.id: row for row in rows}.values())


def keep_learned(sft: Stage, mined: Stage, resume: bool) -> tuple[list[Row], list[Row]]:
    """-> the rows to train on and for development, kept in the stage's folder as training takes them: what resumes, what DPO goes on from, the adapter's record
    and the paired test all read them there, whatever is mined, imported or reviewed meanwhile. Of rows to train on, reviewed ones stand there WEIGHT times."""
    verdicts = verdicts_of(mined.run)
    for part in PARTS:
        if not (resume and (sft.folder / f"{part}.jsonl").exists()):
            write_lines(sft.folder / f"{part}.jsonl", as_reviewed(gather(mined, part), verdicts, WEIGHT if part == "train" else 1))
    train, dev = (learned(sft, part) for part in PARTS)
    return train, dev


def learned(sft: Stage, part: str) -> list[Row]:
    """-> the rows of a part that the stage's adapter learns from. Raises TrainingError where it has kept none."""
    path = sft.folder / f"{part}.jsonl"
    if not path.exists():
        raise TrainingError(f"{path} is not there, the rows that the adapter learned from: python -m finetune sft --run {sft.run}")
    return read_rows(path)
