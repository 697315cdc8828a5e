"""One loop for every model that is trained: transformers' Trainer with a progress bar, from the last checkpoint on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

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


def run_trainer(trainer: Trainer, label: str, resume: bool = True) -> float:
    """Train, from the last checkpoint in the trainer's output folder if there is one and `resume`.

    label: what the bar says. Returns seconds, of this process alone.
    """
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(ProgressBar(label))
    folder = Path(trainer.args.output_dir or "")
    last = get_last_checkpoint(str(folder)) if resume and folder.exists() else None
    if last:
        print(f"resuming from {last}")
    seconds: float = trainer.train(resume_from_checkpoint=last).metrics["train_runtime"]
    return seconds
