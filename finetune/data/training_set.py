"""The rows that a run trains on: mined and imported ones, as people who have reviewed them left them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from finetune.data.rows import TrainingRow, read_rows, row_from_json
from rag.core.errors import TrainingError
from rag.core.jsonl import file_digest, read_lines, write_lines
from rag.core.run_folder import Stage
from rag.core.text_metrics import normalize

DEV, TRAIN = "dev", "train"
REVIEWED = (
    3  # times that a reviewed row is trained on: repeated, not weighed in the loss, so that every trainer does the same
)
LEARNED = "learned.json"  # written last of the rows that SFT keeps
KEEP, MEND, DROP = "keep", "mend", "drop"


def sources(run: str) -> list[Path]:
    """-> folders with train.jsonl and dev.jsonl: the mined ones first, then each finished import."""
    mined = Stage(run, "mine").folder
    return [mined, *sorted(receipt.parent for receipt in mined.parent.glob("import/*/run.json"))]


def verdicts_of(run: str) -> Path:
    """-> where the run's reviews are. It outlives mining anew: a verdict counts for as long as its row comes out the same."""
    return Stage(run, "review").folder / "verdicts.jsonl"


def read_verdicts(run: str) -> dict[str, dict]:
    """-> by row id: verdict (keep, mend, drop), was (the row's state that was judged), and for mend the row as mended."""
    path = verdicts_of(run)
    return {line["id"]: line for line in read_lines(path)} if path.exists() else {}


def state_of(row: TrainingRow) -> str:
    """-> what a verdict is about; another one where the row is asked or labelled otherwise, or shows other passages."""
    shown = [row.question, row.target, *(f"{c.document}:{c.start}:{c.text}" for c in row.passages)]
    return hashlib.sha256("\0".join(shown).encode()).hexdigest()[:12]


def gathered(run: str, part: str) -> list[TrainingRow]:
    """-> mined and imported rows of a part. Where two sources ask the same, in whatever part, people's stands, of two of theirs the last: else one would teach
    what the other denies, or train on what the other tests."""
    found: list[tuple[str, TrainingRow]] = []
    for folder in sources(run):
        new = [(name, row) for name in (TRAIN, DEV) for row in read_rows(folder / f"{name}.jsonl")]
        asked = {normalize(row.question) for _, row in new}
        found = [(name, row) for name, row in found if normalize(row.question) not in asked] + new
    return [row for name, row in found if name == part]


def training_rows(run: str, part: str, times: int = 1) -> list[TrainingRow]:
    """-> rows of a part without those dropped, mended where mended; reviewed ones `times` times."""
    verdicts, found = read_verdicts(run), []
    for row in gathered(run, part):
        said = verdicts.get(row.id)
        if said is None or said["was"] != state_of(row):
            found.append(row)
        elif said["verdict"] != DROP:
            found += [row_from_json(said["row"]) if said["verdict"] == MEND else row] * times
    return found


def keep_learned(sft: Stage, resume: bool) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """-> the rows to train on and for development, kept beside the adapter as they are now: a resumed run, the adapter's record and the paired test read
    them there, whatever is mined, imported or reviewed meanwhile."""
    if not (resume and (sft.folder / LEARNED).exists()):
        write_lines(sft.folder / f"{TRAIN}.jsonl", training_rows(sft.run, TRAIN, REVIEWED))
        write_lines(sft.folder / f"{DEV}.jsonl", training_rows(sft.run, DEV))
        write_lines(sft.folder / LEARNED, [{"data": data_of(sft.run)}])
    train, dev = (read_rows(sft.folder / f"{name}.jsonl") for name in (TRAIN, DEV))
    return train, dev


def learned(run: str) -> tuple[list[tuple[str, TrainingRow]], str]:
    """-> the rows that the run's SFT learned from, none twice, each with its part; and their `data_of`. Raises TrainingError where it has kept none."""
    sft = Stage(run, "sft")
    if not (sft.folder / LEARNED).exists():
        raise TrainingError(
            f"{sft.folder} has not kept the rows that it learned from: python -m finetune sft --run {run}"
        )
    rows = {row.id: (name, row) for name in (TRAIN, DEV) for row in read_rows(sft.folder / f"{name}.jsonl")}
    return list(rows.values()), read_lines(sft.folder / LEARNED)[0]["data"]


def data_of(run: str) -> str:
    """-> 12 hex digits that change with the rows to train on; the mined file's own where nothing was imported or reviewed."""
    files = [folder / f"{TRAIN}.jsonl" for folder in sources(run)]
    files += [verdicts_of(run)] if verdicts_of(run).exists() else []
    return (
        file_digest(files[0])
        if len(files) == 1
        else hashlib.sha256("".join(map(file_digest, files)).encode()).hexdigest()[:12]
    )
