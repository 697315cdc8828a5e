"""Direct preference optimization (arXiv 2305.18290) on from the SFT adapter, which is also the reference, and in its way: from the question on, or over
the whole sequence through TRL's DPOTrainer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import PeftModel
from transformers import Trainer
from trl import DPOConfig, DPOTrainer

from finetune.data import Pair, Stage, TrainingError, digest, read_pairs, read_rows, write_lines
from finetune.from_question import PreferenceTrainer, preferences
from finetune.preference import count_reasons, make_pairs
from finetune.sft import adapter_identity, attend_after_prefix, common_arguments, from_question_arguments, load_trainable, run_trainer, save_adapter
from rag import prompt
from rag.generator import AT_QUESTION, Generator, awake
from rag.models import LocalModel
from rag.prefix import PrefixSettings


@dataclass(frozen=True)
class DpoSettings:
    """pairs: how many preference pairs. beta: strength of the pull to the reference (the paper's 0.1). learning_rate: a fifth of SFT's,
    since DPO has no floor under the likelihood of the chosen answer."""

    pairs: int = 40
    beta: float = 0.1
    learning_rate: float = 1e-4
    epochs: int = 1
    batch: int = 2
    accumulate: int = 2


def pair_up(stage: Stage, mined: Stage, generator: Generator, settings: DpoSettings, max_new_tokens: int) -> None:
    """Write train.jsonl and dev.jsonl of preference pairs, unless they are there already."""
    for name, most in (("dev", max(4, settings.pairs // 6)), ("train", settings.pairs)):
        path = stage.folder / f"{name}.jsonl"
        if not path.exists():
            pairs = make_pairs(generator, read_rows(mined.folder / f"{name}.jsonl"), most, 8, max_new_tokens)
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
    memory_mb: int = PrefixSettings.memory_mb,
) -> None:
    """Train the SFT adapter further on the stage's pairs. Raises TrainingError when the SFT adapter was trained on another base or on other rows."""
    made = sft.receipt()
    if made["base"] != model.digest:
        raise TrainingError(f"{sft.folder} was trained on {made['base_name']}, not {model.name}: python -m finetune sft --run {sft.run}")
    if made["data"] != digest(mined.folder / "train.jsonl"):
        raise TrainingError(f"{sft.folder} was trained on rows {made['data']}, which were mined again since: python -m finetune sft --run {sft.run}")
    tokenizer, base = load_trainable(model, device, made["precision"])
    prompt.check_fingerprint(made["prompt"], prompt.fingerprint(tokenizer), str(sft.folder), "python -m finetune train")
    train, dev = (read_pairs(stage.folder / f"{name}.jsonl") for name in ("train", "dev"))
    tuned = PeftModel.from_pretrained(base, str(sft.folder / "adapter"), is_trainable=True, config=awake(sft.folder / "adapter"))
    method = "prefix" if made.get("activation") == AT_QUESTION else "whole"
    read_by = f"{model.digest} {made['precision']} {device}"
    trainer = dpo_trainer(stage.folder, tokenizer, tuned, train, dev, read_by, device, settings, method, memory_mb)
    run_trainer(trainer, stage.folder, resume)
    identity = adapter_identity(stage, model, made["precision"], made["prompt"], mined, method)
    save_adapter(trainer, stage, mined, identity, {"pairs": len(train), "reasons": count_reasons(train)})


def dpo_trainer(
    folder: Path,
    tokenizer: Any,
    tuned: Any,
    train: list[Pair],
    dev: list[Pair],
    read_by: str,
    device: str,
    settings: DpoSettings,
    method: str,
    memory_mb: int,
) -> Trainer:
    """-> what trains the adapter of `tuned` further. read_by: identity of the prefixes."""
    steps = max(1, len(train) // (settings.batch * settings.accumulate))
    arguments = {
        **common_arguments(folder, device, settings.learning_rate, settings.epochs, settings.batch, settings.accumulate),
        "eval_steps": max(1, steps // 2),
        "save_steps": max(1, steps // 2),
        "remove_unused_columns": False,
    }
    if method == "prefix":
        data = {"train_dataset": preferences(tokenizer, train), "eval_dataset": preferences(tokenizer, dev)}
        args = from_question_arguments(arguments, tuned.get_base_model())
        attend_after_prefix(tuned.get_base_model(), device)
        return PreferenceTrainer(tuned, args, read_by, memory_mb, beta=settings.beta, processing_class=tokenizer, **data)
    data = {"train_dataset": tokenized_pairs(tokenizer, train), "eval_dataset": tokenized_pairs(tokenizer, dev)}
    args = DPOConfig(**arguments, max_length=None, beta=settings.beta, precompute_ref_log_probs=True)
    return _PairTrainer(tuned, args=args, processing_class=tokenizer, **data)


class _PairTrainer(DPOTrainer):
    """DPOTrainer on token ids from the one renderer; TRL would render text a second way."""

    def _prepare_dataset(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        return dataset


def tokenized_pairs(tokenizer: Any, pairs: list[Pair]) -> Dataset:
    """-> prompt_ids, chosen_ids and rejected_ids of each pair."""
    columns: dict[str, list[list[int]]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": []}
    for pair in pairs:
        for name, output in (("chosen_ids", pair.chosen), ("rejected_ids", pair.rejected)):
            tokens = prompt.render(tokenizer, pair.row.question, list(pair.row.passages), output)
            columns[name].append(tokens.ids[len(tokens.ids) - tokens.supervised :])
        columns["prompt_ids"].append(tokens.ids[: len(tokens.ids) - tokens.supervised])
    return Dataset.from_dict(columns)
