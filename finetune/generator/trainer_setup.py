"""What SFT and DPO share: the trainer's arguments, training with resuming, and the adapter's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback
from transformers.trainer_utils import get_last_checkpoint

from finetune.data.training_set import frozen_rows
from finetune.generator.base_model import TrainableModel, float32_adapter, score_labels_only
from finetune.generator.progress import Progress
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from rag.generation import prompt
from rag.models.adapters import AT_QUESTION, CURVES, IDENTITY, TRAINING_RECORD

LOOKS = 4  # evaluations on development rows in a run, or one an epoch if those are more


def common_arguments(
    folder: Path, base: TrainableModel, learning_rate: float, epochs: int, rows: int, batch: int, at_once: int
) -> dict[str, Any]:
    """Autocast where the base computes in bfloat16, evaluation by steps, the best checkpoint kept. A step takes `batch` of the rows, at most `at_once` of them
    together."""
    cuda = base.device.startswith("cuda")
    at_once = min(batch, at_once)
    look = max(1, rows * epochs // batch // max(LOOKS, epochs))
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
        # Paged optimizer history (QLoRA) live in CUDA's unified memory; on a CPU there is nothing to page.
        "optim": "paged_adamw_8bit" if cuda else "adamw_torch_fused",
        "gradient_checkpointing": False,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "eval_steps": look,
        "save_steps": look,
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "restore_callback_states_from_checkpoint": True,  # looks without better answers before a kill count after it
        "logging_steps": 5,
        "disable_tqdm": True,
        "report_to": [],
        "seed": 0,
    }


def run_trainer(trainer: Any, folder: Path, resume: bool) -> None:
    """Train, from the last checkpoint if there is one and `resume`."""
    float32_adapter(trainer.model)
    score_labels_only()
    trainable, total = trainer.model.get_nb_trainable_parameters()
    print(f"trainable parameters: {trainable:,} of {total:,} ({trainable / total:.2%})")
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Progress(folder.name))
    checkpoints = folder / "checkpoints"
    last = get_last_checkpoint(str(checkpoints)) if resume and checkpoints.exists() else None
    if last:
        print(f"resuming from {last}")
    trainer.train(resume_from_checkpoint=last)


def base_identity(base: TrainableModel, method: str, at_question: bool) -> dict[str, Any]:
    """What serving checks before it uses the adapter, and where the adapter acts."""
    learned = {
        "base": base.source.digest,
        "base_name": base.source.name,
        "precision": base.precision,
        "prompt": prompt.fingerprint(base.tokenizer),
    }
    return {
        **learned,
        "method": method,
        "activation": AT_QUESTION if at_question else "everywhere",
        "apart": at_question and base.prefix.apart,
    }


def adapter_identity(stage: Stage, base: TrainableModel, method: str, at_question: bool) -> dict[str, Any]:
    """-> identity_of, and where the adapter came from."""
    return {
        **base_identity(base, method, at_question),
        "run": stage.run,
        "stage": stage.name,
        "data": frozen_rows(stage.run)[1],
    }


def write_adapter(trainer: Any, folder: Path, at_question: bool) -> None:
    """The adapter in PEFT's format; one from the question on is PEFT's own activated LoRA from here on."""
    config = trainer.model.peft_config["default"]
    if at_question:
        config.alora_invocation_tokens = prompt.invocation(trainer.processing_class).ids
    trainer.model.save_pretrained(str(folder), selected_adapters=["default"])
    if at_question:
        config.alora_invocation_tokens = None


def training_record(mined: Stage) -> dict[str, Any]:
    """-> the documents by part and every question that the adapter has learned from or was chosen by: it goes where the adapter goes, so
    that evaluation can tell seen from new and refuse questions that were trained on."""
    rows, documents = frozen_rows(mined.run)[0], mined.result()["documents"]
    for part, row in rows:
        if not any(row.document in known for known in documents.values()):  # indexed after mining, then imported
            documents.setdefault(part, []).append(row.document)
    questions = [
        {"id": row.id, "part": part, "question": row.question, "documents": sorted(row.gold_passages)} for part, row in rows
    ]
    return {"documents": documents, "questions": questions}


def save_adapter(trainer: Any, stage: Stage, mined: Stage, identity: dict[str, Any], receipt: dict[str, Any]) -> None:
    """The adapter in PEFT's format with its identity, record and curves beside it, and last of all the receipt."""
    folder = stage.folder / "adapter"
    write_adapter(trainer, folder, identity["activation"] == AT_QUESTION)
    (folder / IDENTITY).write_text(json.dumps(identity, indent=2))
    write_lines(folder / TRAINING_RECORD, [training_record(mined)])
    history = trainer.state.log_history
    earlier = Stage(stage.run, "sft").folder / "adapter" / CURVES
    curves = json.loads(earlier.read_text()) if stage.name != "sft" and earlier.exists() else {}
    (folder / CURVES).write_text(json.dumps({**curves, stage.name: history}))
    f1s = [round(entry["eval_f1"], 4) for entry in history if "eval_f1" in entry]
    losses = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    seconds = round(next((entry["train_runtime"] for entry in history if "train_runtime" in entry), 0.0), 1)
    best = {"best_development_loss": min(losses, default=None), "best_development_f1": max(f1s, default=None)}
    stage.finish({**identity, **receipt, "steps": trainer.state.global_step, **best, "seconds": seconds})
    print(
        f"{stage.name}: {trainer.state.global_step} steps in {seconds} s, development loss {losses}, F1 {f1s}, adapter in {folder}"
    )
