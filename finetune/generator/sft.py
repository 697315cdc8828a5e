"""Supervised fine-tuning with QLoRA (arXiv 2305.14314) on the answer tokens alone: from the question on, or over the whole sequence through TRL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed
from trl import SFTConfig, SFTTrainer

from finetune.data.general_instructions import general_examples
from finetune.data.rows import TrainingRow
from finetune.data.training_set import freeze_rows
from finetune.generator.base_model import TrainableModel, attend_after_prefix, load_trainable
from finetune.generator.callbacks import AnswerF1
from finetune.generator.peft_methods import find_method
from finetune.generator.prefix_trainer import AnswerTrainer, answers
from finetune.generator.trainer_setup import adapter_identity, common_arguments, run_trainer, save_adapter
from finetune.settings import SftSettings
from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.core.sections import PrefixSettings
from rag.generation import prompt
from rag.models.adapters import SHIPPED_READER, reader_fits, serving_config
from rag.models.resolve import LocalModel

AT_ONCE = 4  # whole sequences in memory together




def train_sft(
    stage: Stage,
    mined: Stage,
    model: LocalModel,
    device: str,
    precision: str,
    settings: SftSettings,
    resume: bool,
    prefix: PrefixSettings | None = None,
) -> None:
    """Train an adapter on the mined rows and write it to the stage's folder with its identity, record and curves, and the receipt."""
    find_method(settings.method)
    base = load_trainable(model, device, precision, prefix)
    prompt.check_fingerprint(
        mined.result()["prompt"], prompt.fingerprint(base.tokenizer), str(mined.folder), "python -m finetune mine"
    )
    train, dev = freeze_rows(stage, resume)
    if not train or not dev:
        raise TrainingError(
            f"the review left {len(train)} rows to train on and {len(dev)} for development: mine or import more"
        )
    trainer = sft_trainer(stage.folder, base, train, dev, settings)
    run_trainer(trainer, stage.folder, resume)
    if from_reader(base, settings):
        go_back(trainer.model, SHIPPED_READER, 1 - settings.learned)
    identity = adapter_identity(stage, base, settings.method, find_method(settings.method).at_question)
    save_adapter(trainer, stage, mined, identity, {"rows": len(train), "development_rows": len(dev)})


def sft_trainer(
    folder: Path, base: TrainableModel, train: list[TrainingRow], dev: list[TrainingRow], settings: SftSettings
) -> Trainer:
    """-> what trains a new adapter of the base in the settings' way, and stops when answers to `dev` no longer get better."""
    method = find_method(settings.method, base.model)
    rate = settings.learning_rate or method.learning_rate
    at_once = settings.batch if method.at_question else AT_ONCE
    arguments = {
        **common_arguments(folder, base, rate, settings.epochs, len(train), settings.batch, at_once),
        "metric_for_best_model": "eval_f1",
        "greater_is_better": True,
        "warmup_steps": min(10, max(1, len(train) // settings.batch)),
        "lr_scheduler_type": "cosine",
        "train_sampling_strategy": "group_by_length",
    }
    if from_reader(base, settings):
        print(f"starting from {SHIPPED_READER}")
    set_seed(0)  # before the adapter's random start
    if method.at_question:
        trainer = _from_question(base, train, dev, arguments, starting(base, settings))
    else:
        data = {
            "train_dataset": tokenized(base.tokenizer, train, settings.general),
            "eval_dataset": tokenized(base.tokenizer, dev),
        }
        args = SFTConfig(**arguments, max_length=None)
        trainer = SFTTrainer(
            base.model, args, processing_class=base.tokenizer, peft_config=method.make(settings.rank), **data
        )
    trainer.add_callback(AnswerF1(base.tokenizer, dev, getattr(trainer, "prefixes", None)))
    trainer.add_callback(EarlyStoppingCallback(settings.patience))
    return trainer


def from_reader(base: TrainableModel, settings: SftSettings) -> bool:
    """Whether training goes on from the shipped reader."""
    return (
        bool(settings.start)
        and settings.method == "alora"
        and reader_fits(base.source, prompt.fingerprint(base.tokenizer))
    )


def starting(base: TrainableModel, settings: SftSettings) -> Any:
    """-> the base with the adapter that training starts from."""
    if from_reader(base, settings):
        return PeftModel.from_pretrained(
            base.model, str(SHIPPED_READER), is_trainable=True, config=serving_config(SHIPPED_READER)
        )
    return get_peft_model(base.model, find_method(settings.method, base.model).make(settings.rank))


def go_back(tuned: Any, start: Path, share: float) -> None:
    """Move the adapter's weights this share of the way back to those of `start`, of the same shape."""
    came_from = load_file(start / "adapter_model.safetensors")
    weights = {
        name: torch.lerp(weight, came_from[name].to(weight), share)
        for name, weight in get_peft_model_state_dict(tuned).items()
    }
    set_peft_model_state_dict(tuned, weights)


def _from_question(
    base: TrainableModel, train: list[TrainingRow], dev: list[TrainingRow], arguments: dict[str, Any], tuned: Any
) -> AnswerTrainer:
    apart = base.prefix.apart
    data = {
        "train_dataset": answers(base.tokenizer, train, apart),
        "eval_dataset": answers(base.tokenizer, dev, apart).sort("length"),
    }
    attend_after_prefix(base.model, base.device)
    args = TrainingArguments(**{**arguments, "remove_unused_columns": False})
    return AnswerTrainer(tuned, args, base, **data)


def tokenized(tokenizer: Any, rows: list[TrainingRow], general: float = 0.0) -> Dataset:
    """-> input_ids and labels (-100 where not supervised) of each row, from the one renderer, and of general instructions (their share of all)."""
    tokens = [prompt.render(tokenizer, row.question, list(row.passages), row.target) for row in rows]
    parts = [
        (t.prompt, t.completion) for t in tokens
    ] + general_examples(tokenizer, len(rows), general)
    return Dataset.from_dict(
        {
            "input_ids": [asked + said for asked, said in parts],
            "labels": [[-100] * len(asked) + said for asked, said in parts],
        }
    )
