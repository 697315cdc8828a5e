"""What SFT and DPO share: the trainer's arguments, and training an adapter from its last checkpoint on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import Trainer

from finetune import training_loop
from finetune.generator.base_model import TrainableModel, cast_adapter_to_float32

# Whole sequences of a batch in memory together; larger batches accumulate gradients. A pair has two sequences.
ROWS_AT_ONCE, PAIRS_AT_ONCE = 4, 2
EVALUATIONS = 4  # evaluations on development rows in a training, or one an epoch if those are more


def common_arguments(
    folder: Path, base: TrainableModel, learning_rate: float, epochs: int, rows: int, batch: int, at_once: int
) -> dict[str, Any]:
    """Return arguments for transformers' Trainer: evaluation and checkpoints at fixed steps, the best one kept.

    rows: number of examples. batch: rows a step. at_once: how many of them are in memory together at most.
    """
    cuda = base.device.startswith("cuda")
    at_once = max(size for size in range(1, min(batch, at_once) + 1) if batch % size == 0)
    interval = max(1, rows * epochs // batch // max(EVALUATIONS, epochs))
    return {
        "output_dir": str(folder / "checkpoints"),
        "per_device_train_batch_size": at_once,
        "per_device_eval_batch_size": at_once,
        "gradient_accumulation_steps": batch // at_once,
        "num_train_epochs": epochs,
        "learning_rate": learning_rate,
        "bf16": base.model.dtype == torch.bfloat16,
        "use_cpu": not cuda,
        "dataloader_pin_memory": cuda,
        # Paged optimizer states (QLoRA) live in CUDA's unified memory; on a CPU there is nothing to page.
        "optim": "paged_adamw_8bit" if cuda else "adamw_torch_fused",
        "gradient_checkpointing": False,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "eval_steps": interval,
        "save_steps": interval,
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        # Evaluations without better answers before a kill count after it.
        "restore_callback_states_from_checkpoint": True,
        "logging_steps": 5,
        "disable_tqdm": True,
        "report_to": [],
        "seed": 0,
    }


def train_adapter(trainer: Trainer, label: str, resume: bool) -> None:
    """Train, from the last checkpoint if there is one and `resume`. label: what the progress bar says."""
    cast_adapter_to_float32(trainer.model)
    trainable, total = trainer.model.get_nb_trainable_parameters()
    print(f"trainable parameters: {trainable:,} of {total:,} ({trainable / total:.2%})")
    training_loop.run_trainer(trainer, label, resume)
