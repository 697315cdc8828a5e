"""What the training of all encoders shares: arguments, checkpoints that a later call goes on from, and what is kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.training_loop import run_trainer
from rag.core.jsonl import file_digest, write_json
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel
from rag.models.weight_delta import DELTA_FILE, IDENTITY_FILE, save_delta

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Trainer

SAVE_STEPS = 200  # steps between checkpoints: on two CPU cores a kill costs a few minutes at most


def encoder_arguments(
    checkpoints: Path, device: str, epochs: float, batch: int, learning_rate: float
) -> dict[str, Any]:
    """Return arguments for transformers' Trainer or one of sentence-transformers': linear decay after a warmup.

    checkpoints: a folder whose name changes with all that the training depends on, see
    `finetune.training_loop.checkpoint_folder`. batch: examples a step.
    """
    return {
        "output_dir": str(checkpoints),
        "num_train_epochs": epochs,
        "per_device_train_batch_size": batch,
        "learning_rate": learning_rate,
        "warmup_steps": 0.1,  # share of all steps
        "lr_scheduler_type": "linear",
        "bf16": computes_bfloat16(device),
        "use_cpu": device == "cpu",
        "save_strategy": "steps",
        "save_steps": SAVE_STEPS,
        "save_total_limit": 1,
        "logging_steps": 10,
        "disable_tqdm": True,
        "report_to": [],
        "seed": 0,
    }


def train_encoder(trainer: Trainer, label: str) -> float:
    """Train, from a checkpoint that a killed call has left, and return the seconds of this call.

    label: what the progress bar says. The checkpoints are removed at the end.
    """
    seconds = run_trainer(trainer, label)
    shutil.rmtree(trainer.args.output_dir, ignore_errors=True)
    return seconds


def save_encoder(trained: PreTrainedModel, base: LocalModel, folder: Path, rank: int, facts: dict[str, Any]) -> None:
    """Write the weight delta between `trained` and its base, and an identity that names the base and the facts.

    rank: of the matrices that the delta is kept as.
    """
    save_delta(trained, base, folder, rank)
    known = {"base": base.digest, "base_name": base.name, "rank": rank, "weights": file_digest(folder / DELTA_FILE)}
    write_json(folder / IDENTITY_FILE, {**known, **facts})
