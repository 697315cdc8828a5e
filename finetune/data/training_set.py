"""The rows of a run: mined and imported ones, with people's reviews applied, and the rows that training keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from finetune.data.feedback import accepted_feedback
from finetune.data.rows import TrainingRow, read_rows
from finetune.data.split import DEV, GATE, PARTS, TRAIN
from finetune.data.verdicts import as_judged, is_judged, read_verdicts, row_digest, verdicts_file
from rag.core.errors import TrainingError
from rag.core.jsonl import file_digest, read_lines, write_lines
from rag.core.run_folder import RUNS, Stage, people_lock, run_folder
from rag.core.text_metrics import normalize

# Times that a reviewed row is trained on: repeated, not weighted in the loss, so that every trainer does the same.
REVIEWED = 3
FROZEN = "learned.json"  # written last of the rows that SFT keeps

PartedRow = tuple[str, TrainingRow]  # a part (TRAIN, DEV or GATE) and a row of it


def row_folders(run: str) -> list[Path]:
    """Return the folders with a file of rows for each part: the mined ones first, then each finished import."""
    mined = Stage(run, "mine").folder
    return [mined, *sorted(result.parent for result in mined.parent.glob("import/*/run.json"))]


def collect_rows(run: str) -> list[PartedRow]:
    """Return all mined and imported rows of a run with their parts.

    Where two sources ask the same question, in whatever part, people's row stands, and of two of people's the last.
    Otherwise one row would teach what the other denies, or train on what the other tests.
    """
    found: list[PartedRow] = []
    for folder in row_folders(run):
        new = [(part, row) for part in PARTS for row in _rows_of_part(folder, part)]
        questions = {normalize(row.question) for _, row in new}
        found = [(part, row) for part, row in found if normalize(row.question) not in questions] + new
    return found


def _rows_of_part(folder: Path, part: str) -> list[TrainingRow]:
    path = folder / f"{part}.jsonl"
    stage = folder.relative_to(RUNS)
    Stage(stage.parts[0], "/".join(stage.parts[1:])).require_unchanged(path.name)
    return read_rows(path) if path.exists() or part != GATE else []  # runs made before there was a gate have no file


def _check_same_split(run: str) -> None:
    # Imported rows that were dealt into parts otherwise than the mined ones would train on what those test.
    mined = Stage(run, "mine")
    if not mined.finished:
        return
    split = mined.result().get("held_out")
    for folder in row_folders(run)[1:]:
        imported = read_lines(folder / "run.json")[0]
        if imported.get("held_out") != split:
            raise (_mined_before_gate(run) if split is None else _imported_otherwise(run, imported["file"]))


def _mined_before_gate(run: str) -> TrainingError:
    return TrainingError(
        f"run {run} was mined before held-out questions were dealt into dev and gate: "
        f"python -m finetune mine --run {run}"
    )


def _imported_otherwise(run: str, file: str) -> TrainingError:
    return TrainingError(
        f"{file} was imported before its questions were dealt into parts as those of run {run} are: "
        f"python -m finetune import {file} --run {run}"
    )


def reviewed_rows(run: str, times: int = 1) -> list[PartedRow]:
    """Return `collect_rows` without those that people dropped, mended where mended, and the feedback they accepted.

    times: how often each judged row is among them.
    """
    verdicts, found = read_verdicts(run), []
    for part, row in collect_rows(run):
        if judged := as_judged(row, verdicts):
            found += [(part, judged)] * (times if is_judged(row, verdicts) else 1)
    return _with_feedback(found, accepted_feedback(run).values(), times)


def _with_feedback(found: list[PartedRow], accepted: Iterable[TrainingRow], times: int) -> list[PartedRow]:
    """Add rows of feedback to train on, in place of rows that ask the same; never what a held-out row asks."""
    held_out = {normalize(row.question) for part, row in found if part != TRAIN}
    new = {asked: row for row in accepted if (asked := normalize(row.question)) not in held_out}
    others = [(part, row) for part, row in found if normalize(row.question) not in new]
    return others + [(TRAIN, row) for row in new.values() for _ in range(times)]


def training_rows(run: str, part: str, times: int = 1) -> list[TrainingRow]:
    """Return the `reviewed_rows` of TRAIN or DEV. Those of GATE are for promotion: see `gate_rows`."""
    if part == GATE:
        raise ValueError("gate rows are not for training")
    _check_same_split(run)
    return [row for name, row in reviewed_rows(run, times) if name == part]


def gate_rows(run: str) -> list[TrainingRow]:
    """Return the run's reviewed rows for promotion.

    Raises TrainingError where the run was mined before there were any.
    """
    if not (Stage(run, "mine").folder / f"{GATE}.jsonl").exists():
        raise _mined_before_gate(run)
    _check_same_split(run)
    return [row for part, row in reviewed_rows(run) if part == GATE]


def freeze_rows(sft: Stage, resume: bool) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Return the rows to train on and those to choose by, and keep them beside the adapter.

    A resumed run and the adapter's record read them there, whatever is mined, imported or reviewed meanwhile. The gate
    rows of that moment are kept with them, for promotion to read; they are not returned.
    """
    if not (resume and (sft.folder / FROZEN).exists()):
        sft.folder.mkdir(parents=True, exist_ok=True)
        with people_lock(run_folder(sft.run)):  # all of the same verdicts
            _freeze(sft)
    train, dev = (read_rows(sft.folder / f"{part}.jsonl") for part in (TRAIN, DEV))
    return train, dev


def _freeze(sft: Stage) -> None:
    write_lines(sft.folder / f"{TRAIN}.jsonl", training_rows(sft.run, TRAIN, REVIEWED))
    write_lines(sft.folder / f"{DEV}.jsonl", training_rows(sft.run, DEV))
    if (Stage(sft.run, "mine").folder / f"{GATE}.jsonl").exists():
        write_lines(sft.folder / f"{GATE}.jsonl", gate_rows(sft.run))
    write_lines(sft.folder / FROZEN, [{"data": data_digest(sft.run)}])


def frozen_rows(run: str) -> tuple[list[PartedRow], str]:
    """Return the rows that SFT trained on and was chosen by, each once with its part, and their `data_digest`.

    Raises TrainingError where SFT has kept none.
    """
    sft = Stage(run, "sft")
    if not (sft.folder / FROZEN).exists():
        raise TrainingError(f"{sft.folder} has not kept the rows it was trained on: python -m finetune sft --run {run}")
    rows = {row.id: (part, row) for part in (TRAIN, DEV) for row in read_rows(sft.folder / f"{part}.jsonl")}
    return list(rows.values()), read_lines(sft.folder / FROZEN)[0]["data"]


def data_digest(run: str) -> str:
    """Return 12 hexadecimal digits that change with the rows to train on.

    They are those of the mined file where nothing was imported, reviewed or taken from feedback.
    """
    files = [folder / f"{TRAIN}.jsonl" for folder in row_folders(run)]
    files += [verdicts_file(run)] if verdicts_file(run).exists() else []
    digests = [*map(file_digest, files), *map(row_digest, accepted_feedback(run).values())]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()[:12]
