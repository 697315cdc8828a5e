"""Supervised fine-tuning with QLoRA (arXiv 2305.14314) on the answer tokens alone: from the question on, or over the whole sequence through TRL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import trl.trainer.utils
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig, SFTTrainer

from finetune.attention import NAME as AFTER_PREFIX
from finetune.data import Row, Stage, TrainingError, digest, read_rows, write_lines
from finetune.from_question import AnswerTrainer, answers
from finetune.progress import Progress
from rag import prompt
from rag.generator import AT_QUESTION, CURVES, IDENTITY, RECORD, load_base
from rag.models import LocalModel, computes_bfloat16
from rag.prefix import PrefixSettings

METHODS = ("prefix", "whole")


@dataclass(frozen=True)
class SftSettings:
    """rank: of the LoRA matrices, on all linear layers (QLoRA's finding); alpha is twice the rank. learning_rate: higher than QLoRA's 2e-4,
    because a 135M model on a few hundred rows takes only about a hundred steps. batch × accumulate rows make a step. patience: evaluations
    without a better development loss before stopping; there are two an epoch. method: "prefix" reads passages once and trains from the question on,
    "whole" trains over the whole sequence through TRL; DPO goes on as SFT did."""

    method: str = "whole"
    rank: int = 16
    learning_rate: float = 5e-4
    epochs: int = 2
    batch: int = 4
    accumulate: int = 1
    patience: int = 2


def train_sft(
    stage: Stage,
    mined: Stage,
    model: LocalModel,
    device: str,
    precision: str,
    settings: SftSettings,
    resume: bool,
    memory_mb: int = PrefixSettings.memory_mb,
) -> None:
    """Train an adapter on the mined rows and write it to the stage's folder with its identity, record and curves, and the receipt."""
    check_method(settings.method)
    tokenizer, base = load_trainable(model, device, precision)
    prompt.check_fingerprint(mined.receipt()["prompt"], prompt.fingerprint(tokenizer), str(mined.folder), "python -m finetune mine")
    train, dev = (read_rows(mined.folder / f"{name}.jsonl") for name in ("train", "dev"))
    trainer = sft_trainer(stage.folder, tokenizer, base, train, dev, f"{model.digest} {precision} {device}", device, settings, memory_mb)
    run_trainer(trainer, stage.folder, resume)
    identity = adapter_identity(stage, model, precision, prompt.fingerprint(tokenizer), mined, settings.method)
    save_adapter(trainer, stage, mined, identity, {"rows": len(train), "development_rows": len(dev)})


def check_method(method: str) -> None:
    """Raises TrainingError where the method is neither of the two."""
    if method not in METHODS:
        raise TrainingError(f"no method of training is called {method!r}: --set sft.method={METHODS[0]} or {METHODS[1]}")


def sft_trainer(
    folder: Path, tokenizer: Any, base: Any, train: list[Row], dev: list[Row], read_by: str, device: str, settings: SftSettings, memory_mb: int
) -> Trainer:
    """-> what trains a new adapter of `base` in the settings' way. read_by: identity of the prefixes."""
    steps = max(1, len(train) // (settings.batch * settings.accumulate))
    arguments = {
        **common_arguments(folder, device, settings.learning_rate, settings.epochs, settings.batch, settings.accumulate),
        "eval_steps": max(1, steps // 2),
        "save_steps": max(1, steps // 2),
        "warmup_steps": min(10, steps),
        "lr_scheduler_type": "cosine",
        "train_sampling_strategy": "group_by_length",
    }
    stop = [EarlyStoppingCallback(settings.patience)]
    if settings.method == "prefix":
        data = {"train_dataset": answers(tokenizer, train), "eval_dataset": answers(tokenizer, dev).sort("length")}
        set_seed(0)  # before the adapter's random start
        attend_after_prefix(base, device)
        tuned = get_peft_model(base, lora(settings.rank))
        return AnswerTrainer(tuned, from_question_arguments(arguments, base), read_by, memory_mb, processing_class=tokenizer, callbacks=stop, **data)
    data = {"train_dataset": tokenized(tokenizer, train), "eval_dataset": tokenized(tokenizer, dev)}
    return SFTTrainer(base, SFTConfig(**arguments, max_length=None), processing_class=tokenizer, peft_config=lora(settings.rank), callbacks=stop, **data)


def from_question_arguments(arguments: dict[str, Any], base: Any) -> TrainingArguments:
    """Autocast only where the base itself computes in bfloat16: the keys and values of a float32 base are float32, and so is what attends to them."""
    return TrainingArguments(**{**arguments, "bf16": arguments["bf16"] and base.dtype == torch.bfloat16, "remove_unused_columns": False})


def attend_after_prefix(base: Any, device: str) -> None:
    """On a CPU only: on GPUs torch's own attention is fused, and keeps no scores for the gradient."""
    if device == "cpu":
        base.set_attn_implementation(AFTER_PREFIX)


def load_trainable(model: LocalModel, device: str, precision: str) -> tuple[Any, Any]:
    """load_base, for training. On CPUs with AVX-512-BF16, bitsandbytes 0.50 repacks 4-bit weights at the first evaluation for a kernel that has
    no gradient and never packs them back: from then on nothing would flow through the base's layers, with no more than a warning."""
    tokenizer, base = load_base(model, device, precision)
    for module in base.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return tokenizer, base


def lora(rank: int) -> LoraConfig:
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")


def tokenized(tokenizer: Any, rows: list[Row]) -> Dataset:
    """-> input_ids and labels (-100 where not supervised) of each row, from the one renderer."""
    tokens = [prompt.render(tokenizer, row.question, list(row.passages), row.target) for row in rows]
    labels = [[-100] * (len(t.ids) - t.supervised) + t.ids[len(t.ids) - t.supervised :] for t in tokens]
    return Dataset.from_dict({"input_ids": [t.ids for t in tokens], "labels": labels})


def common_arguments(folder: Path, device: str, learning_rate: float, epochs: int, batch: int, accumulate: int) -> dict[str, Any]:
    """What SFT and DPO share: autocast where the device has bfloat16, evaluation by steps, the best
    checkpoint kept."""
    cuda = device.startswith("cuda")
    return {
        "output_dir": str(folder / "checkpoints"),
        "per_device_train_batch_size": batch,
        "per_device_eval_batch_size": batch,
        "gradient_accumulation_steps": accumulate,
        "num_train_epochs": epochs,
        "learning_rate": learning_rate,
        "bf16": computes_bfloat16(device),
        "use_cpu": not cuda,
        "dataloader_pin_memory": cuda,
        # Paged optimizer states (QLoRA) live in CUDA's unified memory; on a CPU there is nothing to page.
        "optim": "paged_adamw_8bit" if cuda else "adamw_torch",
        "gradient_checkpointing": False,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "save_total_limit": 2,
        "load_best_model_at_end": True,
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


def float32_adapter(model: Any) -> None:
    """TRL makes a quantized model's adapter bfloat16, whose 8 bits of mantissa lose small updates; the adapter is small, float32 costs nothing."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def score_labels_only() -> None:
    """Have TRL 1.16 project only labelled positions on the vocabulary, as it does on CUDA: on a CPU it scores every prompt token as well,
    to the same loss, which took 40 % of a step here."""
    trl.trainer.utils._use_triton = lambda device: True


def adapter_identity(stage: Stage, model: LocalModel, precision: str, fingerprint: str, mined: Stage, method: str) -> dict[str, Any]:
    """What serving checks before it uses the adapter, where the adapter acts, and where it came from."""
    learned = {"base": model.digest, "base_name": model.name, "precision": precision, "prompt": fingerprint}
    activation = AT_QUESTION if method == "prefix" else "everywhere"
    return {**learned, "activation": activation, "run": stage.run, "stage": stage.name, "data": digest(mined.folder / "train.jsonl")}


def training_record(mined: Stage) -> dict[str, Any]:
    """-> the documents by part and every question that the adapter has learned from or was chosen by: it goes where the adapter goes, so
    that evaluation can tell seen from new and refuse questions that were trained on."""
    rows = [(part, row) for part in ("train", "dev") for row in read_rows(mined.folder / f"{part}.jsonl")]
    return {"documents": mined.receipt()["documents"], "questions": [{"id": row.id, "part": part, "question": row.question} for part, row in rows]}


def save_adapter(trainer: Any, stage: Stage, mined: Stage, identity: dict[str, Any], receipt: dict[str, Any]) -> None:
    """The adapter in PEFT's format with its identity, record and curves beside it, and last of all the receipt."""
    folder = stage.folder / "adapter"
    if identity["activation"] == AT_QUESTION:  # from here on it is PEFT's own activated LoRA
        trainer.model.peft_config["default"].alora_invocation_tokens = prompt.invocation(trainer.processing_class).ids
    trainer.model.save_pretrained(str(folder), selected_adapters=["default"])
    (folder / IDENTITY).write_text(json.dumps(identity, indent=2))
    write_lines(folder / RECORD, [training_record(mined)])
    history = trainer.state.log_history
    earlier = Stage(stage.run, "sft").folder / "adapter" / CURVES
    curves = json.loads(earlier.read_text()) if stage.name != "sft" and earlier.exists() else {}
    (folder / CURVES).write_text(json.dumps({**curves, stage.name: history}))
    losses = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    seconds = round(next((entry["train_runtime"] for entry in history if "train_runtime" in entry), 0.0), 1)
    stage.finish({**identity, **receipt, "steps": trainer.state.global_step, "best_development_loss": min(losses, default=None), "seconds": seconds})
    print(f"{stage.name}: {trainer.state.global_step} steps in {seconds} s, development loss {losses}, adapter in {folder}")
