"""The rows that an adapter learns from: what was mined and given, as people have left it; kept in its own stage, so that mining again loses nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from finetune.data import Row, Stage, TrainingError, read_rows, write_lines
from finetune.imported import imports
from finetune.split import DEV, TRAIN
from finetune.verdicts import apply, read_verdicts

LEAST = 4  # rows to train on
REVIEWED = 2  # times that a row stands among those to train on once a person has kept or mended it


def settle_rows(stage: Stage, mined: Stage, resume: bool) -> tuple[list[Row], list[Row]]:
    """-> rows to train on and for development, also in the stage's folder; those that are there already when a training goes on."""
    paths = {name: stage.folder / f"{name}.jsonl" for name in (TRAIN, DEV)}
    if not (resume and all(path.exists() for path in paths.values())):
        for name, rows in joined_rows(mined).items():
            write_lines(paths[name], rows)
    return tuple(taught_rows(stage).values())


def taught_rows(stage: Stage) -> dict[str, list[Row]]:
    """-> the rows that `settle_rows` wrote, by part. Raises TrainingError when it did not."""
    try:
        return {name: read_rows(stage.folder / f"{name}.jsonl") for name in (TRAIN, DEV)}
    except FileNotFoundError as error:
        raise TrainingError(f"{stage.folder} keeps no rows beside its adapter, being older: python -m finetune {stage.name} --run {stage.run}") from error


def joined_rows(mined: Stage) -> dict[str, list[Row]]:
    """-> the run's rows by part as people have left them. Raises TrainingError when too few are left."""
    verdicts = read_verdicts(mined.run)
    parts = {name: apply(rows, verdicts, REVIEWED if name == TRAIN else 1) for name, rows in gathered_rows(mined).items()}
    if len(parts[TRAIN]) < LEAST or not parts[DEV]:
        raise TrainingError(f"only {len(parts[TRAIN])} rows to train on and {len(parts[DEV])} for development: index more documents, or drop fewer rows")
    return parts


def gathered_rows(mined: Stage) -> dict[str, list[Row]]:
    """-> the run's rows by part before any review, people's after the mined ones and in place of those of the same id."""
    stages = (mined, *_finished(mined.run))
    return {name: list({row.id: row for stage in stages for row in read_rows(stage.folder / f"{name}.jsonl")}.values()) for name in (TRAIN, DEV)}


def _finished(run: str) -> list[Stage]:
    for stage in (found := imports(run)):
        if not stage.finished:
            raise TrainingError(f"{stage.folder} was imported halfway: python -m finetune import FILE --run {run}, or delete the folder")
    return found


def digest_of(rows: list[Row]) -> str:
    """-> the digest of the file that holds these rows."""
    text = "".join(json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
