"""Direct preference optimization (arXiv 2305.18290) on from the SFT adapter, which is also the reference, and in its way: from the question on, or over
the whole sequence through TRL's DPOTrainer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import PeftModel
from transformers import Trainer, TrainingArguments
from trl import DPOConfig, DPOTrainer

from finetune.data.rows import PreferencePair, read_pairs
from finetune.data.training_set import data_digest, training_rows
from finetune.generator.base_model import TrainableModel, attend_after_prefix, load_trainable
from finetune.generator.callbacks import StopAtCollapse
from finetune.generator.preference_pairs import build_preference_pairs, count_reasons
from finetune.generator.prefix_trainer import PreferenceTrainer, preferences
from finetune.generator.trainer_setup import adapter_identity, common_arguments, run_trainer, save_adapter
from finetune.settings import DpoSettings
from rag.core.errors import TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from rag.core.sections import AnswerSettings, PrefixSettings
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.adapters import AT_QUESTION, serving_config
from rag.models.resolve import LocalModel

AT_ONCE = 2  # pairs of whole sequences in memory together




def pair_up(stage: Stage, mined: Stage, generator: Generator, settings: DpoSettings, answer: AnswerSettings) -> None:
    """Write train.jsonl and dev.jsonl of preference pairs, unless they are there already."""
    for name, most in (("dev", max(4, settings.pairs // 6)), ("train", settings.pairs)):
        path = stage.folder / f"{name}.jsonl"
        if not path.exists():
            pairs = build_preference_pairs(generator, training_rows(mined.run, name), most, answer)
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
) -> None:
    """Train the SFT adapter further on the stage's pairs. Raises TrainingError when the SFT adapter was trained on another base or on other rows."""
    made = sft.result()
    if made["base"] != model.digest:
        raise TrainingError(
            f"{sft.folder} was trained on {made['base_name']}, not {model.name}: python -m finetune sft --run {sft.run}"
        )
    if made["data"] != data_digest(mined.run):
        raise TrainingError(
            f"{sft.folder} was trained on rows {made['data']}, mined again or reviewed since: python -m finetune sft --run {sft.run}"
        )
    as_trained = dataclasses.replace(prefix or PrefixSettings(), apart=made["apart"])
    base = load_trainable(model, device, made["precision"], as_trained)
    prompt.check_fingerprint(
        made["prompt"], prompt.fingerprint(base.tokenizer), str(sft.folder), "python -m finetune train"
    )
    train, dev = (read_pairs(stage.folder / f"{name}.jsonl") for name in ("train", "dev"))
    tuned = PeftModel.from_pretrained(
        base.model, str(sft.folder / "adapter"), is_trainable=True, config=serving_config(sft.folder / "adapter")
    )
    at_question = made["activation"] == AT_QUESTION
    trainer = dpo_trainer(stage.folder, base, tuned, train, dev, settings, at_question)
    identity = adapter_identity(
        stage, base, made["method"], at_question
    )  # before training, since it needs what SFT has kept
    run_trainer(trainer, stage.folder, resume)
    save_adapter(trainer, stage, mined, identity, {"pairs": len(train), "reasons": count_reasons(train)})


def dpo_trainer(
    folder: Path,
    base: TrainableModel,
    tuned: Any,
    train: list[PreferencePair],
    dev: list[PreferencePair],
    settings: DpoSettings,
    at_question: bool,
) -> Trainer:
    """-> what trains the adapter of `tuned`, which sits on the base, further."""
    at_once = settings.batch if at_question else AT_ONCE
    arguments = common_arguments(
        folder, base, settings.learning_rate, settings.epochs, len(train), settings.batch, at_once
    )
    arguments["remove_unused_columns"] = False
    if at_question:
        apart = base.prefix.apart
        data = {
            "train_dataset": preferences(base.tokenizer, train, apart),
            "eval_dataset": preferences(base.tokenizer, dev, apart),
        }
        attend_after_prefix(base.model, base.device)
        args = TrainingArguments(**arguments)
        trainer = PreferenceTrainer(tuned, args, base, beta=settings.beta, **data)
    else:
        data = {
            "train_dataset": tokenized_pairs(base.tokenizer, train),
            "eval_dataset": tokenized_pairs(base.tokenizer, dev),
        }
        args = DPOConfig(**arguments, max_length=None, beta=settings.beta, precompute_ref_log_probs=True)
        trainer = _PairTrainer(tuned, args=args, processing_class=base.tokenizer, **data)
    trainer.add_callback(StopAtCollapse(settings.beta))
    return trainer


class _PairTrainer(DPOTrainer):
    """DPOTrainer on token ids from the one renderer; TRL would render text a second way."""

    def _prepare_dataset(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        return dataset


def tokenized_pairs(tokenizer: Any, pairs: list[PreferencePair]) -> Dataset:
    """-> prompt_ids, chosen_ids and rejected_ids of each pair."""
    columns: dict[str, list[list[int]]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": []}
    for pair in pairs:
        for name, output in (("chosen_ids", pair.chosen), ("rejected_ids", pair.rejected)):
            tokens = prompt.render(tokenizer, pair.row.question, list(pair.row.passages), output)
            columns[name].append(tokens.completion)
        columns["prompt_ids"].append(tokens.prompt)
    return Dataset.from_dict(columns)
