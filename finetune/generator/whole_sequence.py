"""Training over the whole sequence with TRL, for PEFT methods that act before the question too.

Prompts come from the one renderer as token ids; TRL would render text a second way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import trl.trainer.utils
from datasets import Dataset
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from finetune.data.general_instructions import general_examples
from finetune.data.rows import PreferencePair, TrainingRow
from finetune.generator.base_model import TrainableModel
from finetune.generator.peft_methods import find_method
from finetune.settings import SftSettings
from rag.generation import prompt

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

IGNORED = -100  # label of a token that is not trained on

_TRLS_CHOICE = trl.trainer.utils._use_triton


def score_labels_only(enabled: bool = True) -> None:
    """Have TRL 1.16 compute logits for labelled positions alone, as it does on CUDA.

    On a CPU it computes them for every prompt token as well, to the same loss, which took 40 % of a step here. enabled:
    false brings TRL's own choice back.
    """
    trl.trainer.utils._use_triton = (lambda device: True) if enabled else _TRLS_CHOICE


def sft_trainer(
    base: TrainableModel,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    arguments: dict[str, Any],
    settings: SftSettings,
) -> SFTTrainer:
    """Return TRL's SFTTrainer for a new adapter of the base. arguments: of transformers' TrainingArguments."""
    score_labels_only()
    return SFTTrainer(
        base.model,
        SFTConfig(**arguments, max_length=None),
        train_dataset=tokenize_rows(base.tokenizer, train, settings.general),
        eval_dataset=tokenize_rows(base.tokenizer, dev),
        processing_class=base.tokenizer,
        peft_config=find_method(settings.method).make(settings, base.model),
    )


def dpo_trainer(
    base: TrainableModel,
    tuned: PeftModel,
    train: Sequence[PreferencePair],
    dev: Sequence[PreferencePair],
    arguments: dict[str, Any],
    beta: float,
) -> DPOTrainer:
    """Return TRL's DPOTrainer for the adapter of `tuned`, which is the reference as well."""
    score_labels_only()
    return TokenizedDpoTrainer(
        tuned,
        args=DPOConfig(**arguments, max_length=None, beta=beta, precompute_ref_log_probs=True),
        train_dataset=tokenize_pairs(base.tokenizer, train),
        eval_dataset=tokenize_pairs(base.tokenizer, dev),
        processing_class=base.tokenizer,
    )


class TokenizedDpoTrainer(DPOTrainer):
    """TRL's DPOTrainer on data that is tokenized already."""

    def _prepare_dataset(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        return dataset


def tokenize_rows(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[TrainingRow], general_share: float = 0.0
) -> Dataset:
    """Return input_ids and labels (IGNORED in the prompt) of each row, then of general instructions.

    general_share: the instructions' share of all.
    """
    rendered = [prompt.render(tokenizer, row.question, list(row.passages), row.target) for row in rows]
    parts = [(tokens.prompt, tokens.completion) for tokens in rendered]
    parts += general_examples(tokenizer, len(rows), general_share)
    input_ids = [before + completion for before, completion in parts]
    labels = [[IGNORED] * len(before) + completion for before, completion in parts]
    return Dataset.from_dict({"input_ids": input_ids, "labels": labels})


def tokenize_pairs(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[PreferencePair]) -> Dataset:
    """Return prompt_ids, chosen_ids and rejected_ids of each pair."""
    columns: dict[str, list[list[int]]] = {"prompt_ids": [], "chosen_ids": [], "rejected_ids": []}
    for pair in pairs:
        passages = list(pair.row.passages)
        for name, output in (("chosen_ids", pair.chosen), ("rejected_ids", pair.rejected)):
            tokens = prompt.render(tokenizer, pair.row.question, passages, output)
            columns[name].append(tokens.completion)
        columns["prompt_ids"].append(tokens.prompt)
    return Dataset.from_dict(columns)
