"""The table of stages and faults: how often what was seen."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from eval.suites.faults.commands import call, prepare
from eval.suites.faults.house import House, build_house
from eval.suites.faults.stages import stages
from eval.suites.faults.trials import BAD, FAULTS, Trial, Workplace
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_lines

ONCE = ("clock back", "read-only")  # faults with nothing random in them


def try_faults(folder: Path, corpus: Path, kills: int, times: int, only: str) -> dict[str, Any]:
    """Try every fault on every stage, and return all trials.

    folder: to be made. kills: how often each stage is killed. times: how often each other fault is
    tried. only: a stage or a fault, "" for all.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise EvaluationError(f"{folder} can't be made ({error.strerror}): name another with --folder") from error
    prepare()
    house = House(folder)
    built = call(lambda: build_house(folder, corpus.resolve()), folder).wait()
    if built.status:
        raise EvaluationError(f"the folder for faults can't be made: {built.printed[-500:]}")
    trials: list[Trial] = []
    for stage in stages(house):
        wanted = [fault for fault in FAULTS if not only or {stage.name, fault} & set(only.split(","))]
        place = Workplace(stage, folder / "work")
        if wanted:
            place.prepare()
        for fault in wanted:
            for number in range(1 if fault in ONCE else kills if fault == "killed" else times):
                trials.append(place.try_fault(fault, random.Random(f"{stage.name} {fault} {number}")))
                _tell(trials[-1])
    write_lines(folder / "trials.jsonl", trials)
    return {"trials": len(trials), "bad": sum(each.outcome in BAD for each in trials), "table": table_of(trials)}


def _tell(trial: Trial) -> None:
    print(f"{trial.stage}, {trial.fault}: {trial.outcome}: {trial.detail}"[:3000], file=sys.stderr, flush=True)


def table_of(trials: list[Trial]) -> dict[str, dict[str, dict[str, int]]]:
    """Return how often each outcome was, by fault and stage."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for fault in FAULTS:
        for stage in dict.fromkeys(trial.stage for trial in trials):
            outcomes = Counter(each.outcome for each in trials if (each.fault, each.stage) == (fault, stage))
            if outcomes:
                found.setdefault(fault, {})[stage] = dict(outcomes)
    return found


def as_text(found: dict[str, Any]) -> str:
    """Return the table for people: a line for each fault, a column for each stage."""
    names = list(dict.fromkeys(stage for row in found["table"].values() for stage in row))
    lines = [f"| fault | {' | '.join(names)} |", "|-" * (len(names) + 1) + "|"]
    for fault, row in found["table"].items():
        cells = [", ".join(f"{n} {outcome}" for outcome, n in row.get(name, {}).items()) for name in names]
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{found['trials']} trials, {found['bad']} of them bad"])
