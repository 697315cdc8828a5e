"""Direct preference optimization (arXiv 2305.18290) through TRL's DPOTrainer, on from the SFT adapter, which is also the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from peft import PeftModel
from trl import DPOConfig, DPOTrainer

from finetune.data import Pair, Stage, TrainingError, digest, read_pairs, read_rows, write_lines
from finetune.preference import count_reasons, make_pairs
from finetune.sft import adapter_identity, common_arguments, load_trainable, run_trainer, save_adapter
from rag import prompt
from rag.generator import Generator
from rag.models import LocalModel


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


def train_dpo(stage: Stage, sft: Stage, mined: Stage, model: LocalModel, device: str, settings: DpoSettings, resume: bool) -> None:
    """Train the SFT adapter further on the stage's pairs. Raises TrainingError when the SFT adapter was trained on another base or on other rows."""
    made = sft.receipt()
    if made["base"] != model.digest:
        raise TrainingError(f"{sft.folder} was trained on {made['base_name']}, not {model.name}: python -m finetune sft --run {sft.run}")
    if made["data"] != digest(mined.folder / "train.jsonl"):
        raise TrainingError(f"{sft.folder} was trained on rows {made['data']}, which were mined again since: python -m finetune sft --run {sft.run}")
    tokenizer, base = load_trainable(model, device, made["precision"])
    prompt.check_fingerprint(made["prompt"], prompt.fingerprint(tokenizer), str(sft.folder), "python -m finetune train")
    train, dev = (read_pairs(stage.folder / f"{name}.jsonl") for name in ("train", "dev"))
    steps = max(1, len(train) // (settings.batch * settings.accumulate))
    args = DPOConfig(
        **common_arguments(stage.folder, device, settings.learning_rate, settings.epochs, settings.batch, settings.accumulate),
        eval_steps=max(1, steps // 2),
        save_steps=max(1, steps // 2),
        beta=settings.beta,
        precompute_ref_log_probs=True,
        remove_unused_columns=False,
    )
    trainer = _PairTrainer(
        PeftModel.from_pretrained(base, str(sft.folder / "adapter"), is_trainable=True),
        args=args,
        train_dataset=tokenized_pairs(tokenizer, train),
        eval_dataset=tokenized_pairs(tokenizer, dev),
        processing_class=tokenizer,
    )
    run_trainer(trainer, stage.folder, resume)
    identity = adapter_identity(stage, model, made["precision"], made["prompt"], mined)
    save_adapter(trainer, stage, mined, identity, {"pairs": len(train), "reasons": count_reasons(train)})


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
