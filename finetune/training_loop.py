"""One loop for every model that is trained: transformers' Trainer with a progress bar, from the last checkpoint on."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

WHOLE = "whole"  # a file in each checkpoint that is
SHOWN_LOSSES = {"loss": "loss", "eval_loss": "development loss"}  # the log's names, and the bar's


class ProgressBar(TrainerCallback):
    """Shows one bar with steps, time left and losses, in place of the dictionaries that the Trainer prints."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._losses: dict[str, str] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self._label, unit=" steps")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._bar.update(state.global_step - self._bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        shown = {SHOWN_LOSSES[key]: f"{value:.3f}" for key, value in (logs or {}).items() if key in SHOWN_LOSSES}
        self._losses |= shown
        self._bar.set_postfix(self._losses)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._bar.close()


def checkpoint_folder(folder: Path, *facts: object) -> Path:
    """Return a folder for checkpoints below `folder` whose name changes with all that the training depends on.

    A training of other data or settings then never resumes from these checkpoints. facts: what JSON can write, such
    as texts, numbers and lists of them.
    """
    return folder / f"checkpoints-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]}"


class MarkWhole(TrainerCallback):
    """Marks each checkpoint when all of it is written: one that a kill or a full disk has cut short is of no use."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        with suppress(FileNotFoundError):  # another training of this run has begun, and cleared the folder
            (Path(args.output_dir or "") / f"checkpoint-{state.global_step}" / WHOLE).touch()


def last_checkpoint(folder: Path) -> str | None:
    """Return the last checkpoint in the folder that is whole, None if there is none; the others are removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    whole = [path for path in found if (path / WHOLE).exists()]
    for path in found:
        if path not in whole:
            shutil.rmtree(path, ignore_errors=True)
    return str(whole[-1]) if whole else None


def run_trainer(trainer: Trainer, label: str, resume: bool = True) -> float:
    """Train, from the last checkpoint in the trainer's output folder if there is one and `resume`.

    label: what the bar says. Returns seconds, of this process alone.
    """
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(ProgressBar(label))
    trainer.add_callback(MarkWhole())
    if last := last_checkpoint(Path(trainer.args.output_dir or "")) if resume else None:
        print(f"resuming from {last}")
    seconds: float = trainer.train(resume_from_checkpoint=last).metrics["train_runtime"]
    return seconds
