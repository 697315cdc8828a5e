"""People's verdicts on the rows of a run: keep, mend or drop, one line each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.data.rows import TrainingRow, row_from_json
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage, people_lock, run_folder

KEEP, MEND, DROP = "keep", "mend", "drop"

Verdicts = Mapping[str, Mapping[str, Any]]  # by row id, as `read_verdicts` returns them


def verdicts_file(run: str) -> Path:
    """Return where the run's reviews are kept.

    Mining again leaves them: a verdict counts as long as its row stays the same.
    """
    return Stage(run, "review").folder / "verdicts.jsonl"


def read_verdicts(run: str) -> dict[str, dict[str, Any]]:
    """Return people's verdicts by row id.

    Keys of each: verdict (KEEP, MEND or DROP), was (`row_digest` of the row that was judged), and for MEND the row as
    mended.
    """
    path = verdicts_file(run)
    return {line["id"]: line for line in read_lines(path)} if path.exists() else {}


def keep_verdict(run: str, id: str, verdict: Mapping[str, Any] | None) -> None:
    """Keep the verdict on a row, in place of an earlier one; None takes that one back.

    Several people may review at once, in terminals and in the page.
    """
    path = verdicts_file(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with people_lock(run_folder(run)):
        verdicts = {key: line for key, line in read_verdicts(run).items() if key != id}
        write_lines(path, [*verdicts.values(), *([verdict] if verdict else [])])


def row_digest(row: TrainingRow) -> str:
    """Return 12 hexadecimal digits that change with all that a verdict is about: question, target and passages."""
    shown = [row.question, row.target, *(f"{c.document}:{c.start}:{c.text}" for c in row.passages)]
    return hashlib.sha256("\0".join(shown).encode()).hexdigest()[:12]


def is_judged(row: TrainingRow, verdicts: Verdicts) -> bool:
    """Tell whether there is a verdict on the row as it is now."""
    return verdicts.get(row.id, {}).get("was") == row_digest(row)


def as_judged(row: TrainingRow, verdicts: Verdicts) -> TrainingRow | None:
    """Return the row as a person kept or mended it, None where it was dropped; one that nobody judged as it is."""
    if not is_judged(row, verdicts):
        return row
    line = verdicts[row.id]
    if line["verdict"] == DROP:
        return None
    return row_from_json(line["row"]) if line["verdict"] == MEND else row
