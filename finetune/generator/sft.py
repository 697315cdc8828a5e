"""Supervised fine-tuning with QLoRA (Dettmers et al., 2023, arXiv 2305.14314) on the answer tokens alone.

By its method an adapter is trained on cached passages, or over the whole sequence with TRL.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed

from finetune.data.rows import TrainingRow
from finetune.data.training_set import freeze_rows
from finetune.generator.adapter_folder import adapter_identity, save_adapter
from finetune.generator.base_model import TrainableModel, load_trainable, use_prefix_attention
from finetune.generator.callbacks import AnswerF1
from finetune.generator.peft_methods import find_method
from finetune.generator.trainer_setup import ROWS_AT_ONCE, common_arguments, train_adapter
from finetune.settings import SftSettings
from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.core.sections import PrefixSettings
from rag.generation import prompt
from rag.models.adapters import SHIPPED_READER, reader_fits, serving_config
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from finetune.generator.prefix_trainer import PrefixSftTrainer

WARMUP_STEPS = 10  # at most; few hundred rows take about a hundred steps
SEED = 0  # of the new adapter's random weights


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
    """Train an adapter on the mined rows and write it to the stage's folder, with the stage's result.

    Raises TrainingError where there is nothing to train on, and PromptError where the rows were mined with another
    prompt.
    """
    base = load_trainable(model, device, precision, prefix)
    wanted = prompt.fingerprint(base.tokenizer)
    prompt.check_fingerprint(mined.result()["prompt"], wanted, str(mined.folder), "python -m finetune mine")
    train, dev = freeze_rows(stage, resume)
    if not train or not dev:
        left = f"the review left {len(train)} rows to train on and {len(dev)} for development"
        raise TrainingError(f"{left}: mine or import more")
    trainer = sft_trainer(stage.folder, base, train, dev, settings)
    train_adapter(trainer, stage.folder.name, resume)
    finish_training(trainer, settings)
    if starts_from_reader(base, settings):
        average_with_start(trainer.model, SHIPPED_READER, 1 - settings.learned)
    identity = adapter_identity(stage, base, settings.method, find_method(settings.method).at_question)
    save_adapter(trainer, stage, mined, identity, {"rows": len(train), "development_rows": len(dev)})


def sft_trainer(
    folder: Path,
    base: TrainableModel,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    settings: SftSettings,
) -> Trainer:
    """Return the trainer of an adapter, which stops when the answers to `dev` no longer get better.

    folder: where its checkpoints go.
    """
    method = find_method(settings.method)
    if starts_from_reader(base, settings):
        print(f"starting from {SHIPPED_READER}")
    set_seed(SEED)
    trainer: Trainer
    if method.at_question:
        arguments = _arguments(folder, base, len(train), settings, settings.batch)
        trainer = _prefix_trainer(base, train, dev, arguments, adapter_to_train(base, settings))
        reader = trainer.prefix_reader
    else:
        from finetune.generator import whole_sequence  # imports TRL, which takes seconds

        arguments = _arguments(folder, base, len(train), settings, ROWS_AT_ONCE)
        trainer = whole_sequence.sft_trainer(base, train, dev, arguments, settings)
        reader = None
    if method.prepare:
        method.prepare(trainer, settings)
    trainer.add_callback(AnswerF1(base.tokenizer, dev, reader))
    trainer.add_callback(EarlyStoppingCallback(settings.patience))
    return trainer


def finish_training(trainer: Trainer, settings: SftSettings) -> None:
    """Do what the method has to do between training and saving: most have nothing."""
    if finish := find_method(settings.method).finish:
        finish(trainer)


def _arguments(folder: Path, base: TrainableModel, rows: int, settings: SftSettings, at_once: int) -> dict[str, Any]:
    rate = settings.learning_rate or find_method(settings.method).learning_rate
    return {
        **common_arguments(folder, base, rate, settings.epochs, rows, settings.batch, at_once),
        "metric_for_best_model": "eval_f1",
        "greater_is_better": True,
        "warmup_steps": min(WARMUP_STEPS, max(1, rows // settings.batch)),
        "lr_scheduler_type": "cosine",
        "train_sampling_strategy": "group_by_length",
    }


def _prefix_trainer(
    base: TrainableModel,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    arguments: dict[str, Any],
    tuned: PeftModel,
) -> PrefixSftTrainer:
    from finetune.generator.prefix_batches import sft_examples
    from finetune.generator.prefix_trainer import PrefixSftTrainer

    apart = base.prefix.apart
    use_prefix_attention(base.model, base.device)
    return PrefixSftTrainer(
        tuned,
        TrainingArguments(**{**arguments, "remove_unused_columns": False}),
        base,
        train_dataset=sft_examples(base.tokenizer, train, apart),
        eval_dataset=sft_examples(base.tokenizer, dev, apart).sort("length"),
    )


def starts_from_reader(base: TrainableModel, settings: SftSettings) -> bool:
    """Return whether training continues the shipped reader."""
    wanted = settings.start == "reader" and settings.method == "alora"
    return wanted and reader_fits(base.source, prompt.fingerprint(base.tokenizer))


def adapter_to_train(base: TrainableModel, settings: SftSettings) -> PeftModel:
    """Return the base with the adapter that training starts from: the shipped reader, or a new one."""
    if starts_from_reader(base, settings):
        config = serving_config(SHIPPED_READER)
        return PeftModel.from_pretrained(base.model, str(SHIPPED_READER), is_trainable=True, config=config)
    return get_peft_model(base.model, find_method(settings.method).make(settings, base.model))


def average_with_start(tuned: PeftModel, start: Path, share: float) -> None:
    """Average the adapter's weights with those in `start`, which have the same shapes.

    share: weight of `start`, from 0 (stay as trained) to 1.
    """
    before = load_file(start / "adapter_model.safetensors")
    trained = get_peft_model_state_dict(tuned)
    averaged = {name: torch.lerp(weight, before[name].to(weight), share) for name, weight in trained.items()}
    set_peft_model_state_dict(tuned, averaged)
