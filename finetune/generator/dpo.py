"""Direct preference optimization (Rafailov et al., 2023, arXiv 2305.18290) of the SFT adapter.

The SFT adapter is also the reference. Training goes as SFT's did: on cached passages, or over the whole sequence with
TRL.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peft import PeftModel
from transformers import Trainer, TrainingArguments

from finetune.data.rows import PreferencePair, read_pairs
from finetune.data.training_set import frozen_rows
from finetune.generator.adapter_folder import adapter_identity, save_adapter
from finetune.generator.base_model import TrainableModel, load_trainable, use_prefix_attention
from finetune.generator.callbacks import StopAtCollapse
from finetune.generator.preference_pairs import build_preference_pairs, count_reasons, pairs_of_feedback
from finetune.generator.trainer_setup import PAIRS_AT_ONCE, common_arguments, train_adapter
from finetune.settings import DpoSettings
from rag.core.errors import TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from rag.core.sections import AnswerSettings, PrefixSettings
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.adapters import AT_QUESTION, serving_config
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from finetune.generator.prefix_trainer import PrefixDpoTrainer

# Development pairs: a sixth of the training pairs, and never fewer than four.
DEVELOPMENT_SHARE, FEWEST_DEVELOPMENT = 6, 4


def write_preference_pairs(stage: Stage, generator: Generator, settings: DpoSettings, answer: AnswerSettings) -> None:
    """Write train.jsonl and dev.jsonl of preference pairs, unless they are there already.

    They are of the rows that SFT was trained on, whatever is imported or reviewed since. Those to train on begin with
    what users have said of answers, and a person has kept.
    """
    frozen, _ = frozen_rows(stage.run)
    development = max(FEWEST_DEVELOPMENT, settings.pairs // DEVELOPMENT_SHARE)
    for name, most in (("dev", development), ("train", settings.pairs)):
        path = stage.folder / f"{name}.jsonl"
        if not path.exists():
            of_part = [row for part, row in frozen if part == name]
            said = pairs_of_feedback(stage.run, of_part)[:most] if name == "train" else []
            taken = {pair.row.id for pair in said}
            rows = [row for row in of_part if row.id not in taken]
            pairs = said + build_preference_pairs(generator, rows, most - len(said), answer)
            print(f"{name} pairs: {count_reasons(pairs)}")
            write_lines(path, pairs)


def train_dpo(
    stage: Stage,
    sft: Stage,
    mined: Stage,
    model: LocalModel,
    device: str,
    settings: DpoSettings,
    resume: bool,
    prefix: PrefixSettings | None = None,
    method: str = "dpo",
) -> None:
    """Train the SFT adapter further on the stage's preference pairs, and write it to the stage's folder.

    method: "dpo", or another of `preference_methods`. Raises TrainingError when the SFT adapter was trained on another
    base, or acts from the question on alone and the method is not DPO.
    """
    trained = sft.result()
    _check_base(sft, trained, model)
    at_question = trained["activation"] == AT_QUESTION
    if at_question and method != "dpo":
        remedy = f"python -m finetune --set sft.method=lora sft --run {sft.run}"
        raise TrainingError(f"{method} trains over the whole sequence, and {sft.folder} acts on the question: {remedy}")
    prefix = dataclasses.replace(prefix or PrefixSettings(), apart=trained["apart"])
    base = load_trainable(model, device, trained["precision"], prefix)
    wanted = prompt.fingerprint(base.tokenizer)
    prompt.check_fingerprint(trained["prompt"], wanted, str(sft.folder), "python -m finetune train")
    train, dev = (read_pairs(stage.folder / f"{name}.jsonl") for name in ("train", "dev"))
    start = sft.folder / "adapter"
    tuned = PeftModel.from_pretrained(base.model, str(start), is_trainable=True, config=serving_config(start))
    if method == "dpo":
        trainer = dpo_trainer(stage.folder, base, tuned, train, dev, settings, at_question)
    else:
        from finetune.generator.preference_methods import BESIDE_DPO

        trainer = BESIDE_DPO[method](stage.folder, base, tuned, train, dev, settings)
    # Before training, since it needs what SFT has kept.
    identity = adapter_identity(stage, base, trained["method"], at_question)
    train_adapter(trainer, stage.folder.name, resume)
    result = {"preference": method, "pairs": len(train), "reasons": count_reasons(train)}
    save_adapter(trainer, stage, mined, identity, result)


def _check_base(sft: Stage, trained: dict[str, Any], model: LocalModel) -> None:
    if trained["base"] != model.digest:
        again = f"python -m finetune sft --run {sft.run}"
        raise TrainingError(f"{sft.folder} was trained on {trained['base_name']}, not {model.name}: {again}")


def dpo_trainer(
    folder: Path,
    base: TrainableModel,
    tuned: PeftModel,
    train: Sequence[PreferencePair],
    dev: Sequence[PreferencePair],
    settings: DpoSettings,
    at_question: bool,
) -> Trainer:
    """Return the trainer of the adapter of `tuned`, which is the base with that adapter.

    folder: where its checkpoints go. at_question: whether the adapter acts from the question on alone.
    """
    trainer: Trainer
    if at_question:
        arguments = _arguments(folder, base, len(train), settings, settings.batch)
        trainer = _prefix_trainer(base, tuned, train, dev, arguments, settings.beta)
    else:
        from finetune.generator import whole_sequence  # imports TRL, which takes seconds

        arguments = _arguments(folder, base, len(train), settings, PAIRS_AT_ONCE)
        trainer = whole_sequence.dpo_trainer(base, tuned, train, dev, arguments, settings.beta)
    trainer.add_callback(StopAtCollapse(settings.beta))
    return trainer


def _arguments(folder: Path, base: TrainableModel, pairs: int, settings: DpoSettings, at_once: int) -> dict[str, Any]:
    arguments = common_arguments(folder, base, settings.learning_rate, settings.epochs, pairs, settings.batch, at_once)
    return {**arguments, "remove_unused_columns": False}


def _prefix_trainer(
    base: TrainableModel,
    tuned: PeftModel,
    train: Sequence[PreferencePair],
    dev: Sequence[PreferencePair],
    arguments: dict[str, Any],
    beta: float,
) -> PrefixDpoTrainer:
    from finetune.generator.prefix_batches import dpo_examples
    from finetune.generator.prefix_trainer import PrefixDpoTrainer

    apart = base.prefix.apart
    use_prefix_attention(base.model, base.device)
    return PrefixDpoTrainer(
        tuned,
        TrainingArguments(**arguments),
        base,
        beta=beta,
        train_dataset=dpo_examples(base.tokenizer, train, apart),
        eval_dataset=dpo_examples(base.tokenizer, dev, apart),
    )
