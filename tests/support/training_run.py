"""A run of training as its stages leave it in var/runs, without the training."""

from finetune.data.rows import TrainingRow
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from triplets import row

LOG = [
    {"loss": 1.5, "step": 5},
    {"eval_loss": 1.25, "eval_f1": 0.5, "step": 5},
    {"eval_loss": 1.0, "eval_f1": 0.75, "step": 10},
    {"train_runtime": 3.0, "step": 10},
]
VERDICT = {"promote": False, "sentence": "the trained generator is not shown to be better than what was live: +0.01"}


def write_run(name: str = "trial") -> list[TrainingRow]:
    """Write a run that was mined and trained, and return its rows to train on."""
    mine, sft, train = Stage(name, "mine"), Stage(name, "sft"), [row(0), row(1, 0)]
    for part, rows in {"train": train, "dev": [row(2)], "gate": [row(3)]}.items():
        write_lines(mine.folder / f"{part}.jsonl", rows)
    mine.finish({"documents": {}, "held_out": "by document", "kept": {"train": {"answerable": 2}}})
    write_lines(sft.folder / "adapter" / "curves.json", [{"sft": LOG}])
    sft.finish({"rows": 2, "method": "alora", "base": "0123", "best_development_loss": 1.0})
    return train


def judge_run(name: str = "trial") -> dict:
    """Let the run be judged, and return what its attribution says."""
    cells = {"old": {"F1": 0.5, "MRR": 0.7}, "generator": {"F1": 0.51, "MRR": 0.7}}
    judged = {"n": 9, "questions": "mined", "cells": cells, "verdicts": {"generator": VERDICT}}
    Stage(name, "attribution").finish(judged)
    return judged
