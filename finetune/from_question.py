"""Training from the question on: the base reads each row's passages once, then only question and answer go through the model, in every epoch.

The adapter acts on them alone (activated LoRA, arXiv 2504.12397), so that loss and gradients are those of the forward pass over the whole sequence.
A plain transformers Trainer: it brings checkpoints, resuming and early stopping; TRL's trainers would tokenise and mask a second way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from peft.helpers import disable_input_dtype_casting
from tqdm import tqdm
from transformers import Trainer

from finetune.data import Pair, Row
from rag import prompt
from rag.prefix import PrefixCache, PrefixReader

Logprobs = tuple[torch.Tensor, torch.Tensor]
READ = 4  # prefixes read at a time


def examples(tokenizer: Any, rows: list[Row], outputs: list[list[str]]) -> Dataset:
    """-> of each row and its outputs: prefix (token ids), rests (token ids from the question on, one list an output), supervised (how many of the
    last ids of each are the output), length (tokens of the longest rest: prefixes cost little)."""
    made = []
    for row, said in zip(rows, outputs, strict=True):
        tokens = [prompt.render(tokenizer, row.question, list(row.passages), output) for output in said]
        first = tokens[0]
        rests, supervised = [t.ids[t.prefix :] for t in tokens], [t.supervised for t in tokens]
        made.append({"prefix": first.ids[: first.prefix], "rests": rests, "supervised": supervised, "length": max(map(len, rests))})
    return Dataset.from_list(made)


def answers(tokenizer: Any, rows: list[Row]) -> Dataset:
    """-> the examples of SFT: each row with its target."""
    return examples(tokenizer, rows, [[row.target] for row in rows])


def preferences(tokenizer: Any, pairs: list[Pair]) -> Dataset:
    """-> the examples of DPO: each row with its chosen and its rejected output."""
    return examples(tokenizer, [pair.row for pair in pairs], [[pair.chosen, pair.rejected] for pair in pairs])


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """-> ids, mask and labels (-100 where not supervised), all left-padded so that outputs end together; prefixes, one for each line of ids."""
    flat = [(row["prefix"], rest, n) for row in rows for rest, n in zip(row["rests"], row["supervised"], strict=True)]
    width = max(len(rest) for _, rest, _ in flat)
    batch = {
        "ids": torch.tensor([[0] * (width - len(rest)) + rest for _, rest, _ in flat]),
        "mask": torch.tensor([[0] * (width - len(rest)) + [1] * len(rest) for _, rest, _ in flat]),
        "labels": torch.tensor([[-100] * (width - n) + rest[len(rest) - n :] for _, rest, n in flat]),
        "prefixes": [prefix for prefix, _, _ in flat],
    }
    if "reference" in rows[0]:
        batch["reference"] = torch.tensor([row["reference"] for row in rows])
    return batch


@contextmanager
def _scored_at(model: Any, at: torch.Tensor) -> Iterator[None]:
    """Inside, the output layer scores only the positions where `at` (rows, tokens) is true, one after the other in a single row: a row with gaps would
    have torch copy the vocabulary's matrix for each."""
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda module, inputs: (inputs[0][at][None],))
    try:
        yield
    finally:
        hook.remove()


class AnswerTrainer(Trainer):
    """SFT: the mean negative log-likelihood of supervised tokens. identity: what the prefixes depend on, as in PrefixReader."""

    def __init__(self, model: Any, args: Any, identity: str, memory_mb: int, **options: Any):
        super().__init__(model, args, data_collator=collate, **options)
        self.prefixes = PrefixReader(self._read_as_base, identity, PrefixCache(memory_mb * 10**6), str(args.device))

    def _read_as_base(self, **inputs: Any) -> Any:
        with self.model.disable_adapter():
            return self.model.get_base_model().base_model(**inputs)

    def train(self, *args: Any, **options: Any) -> Any:
        """Reads first, always in the same batches: what one batch gives differs from another's in the last digit, which a resumed run would show."""
        rows = sorted([*self.train_dataset["prefix"], *self.eval_dataset["prefix"]], key=len)
        for at in tqdm(range(0, len(rows), READ), desc="reading passages once", unit=f" × {READ} prompts"):
            self.prefixes.hold(rows[at : at + READ])
        with disable_input_dtype_casting(self.model):  # autocast casts once more, to bfloat16
            return super().train(*args, **options)

    def logprobs(self, model: Any, inputs: dict[str, Any]) -> Logprobs:
        """-> natural log-probability of each label, and the row that it is of, both (labels,)."""
        at = inputs["labels"][:, 1:] != -100
        with self.prefixes.read(inputs["prefixes"]) as (cache, seen), _scored_at(self.model, F.pad(at, (0, 1))):
            position = seen.sum(1, keepdim=True) + (inputs["mask"].cumsum(1) - 1).clamp(min=0)
            mask = torch.cat([seen, inputs["mask"]], 1)
            logits = model(input_ids=inputs["ids"], attention_mask=mask, position_ids=position, past_key_values=cache, use_cache=True).logits
        return -F.cross_entropy(logits[0].float(), inputs["labels"][:, 1:][at], reduction="none"), at.nonzero()[:, 0]

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> torch.Tensor:
        found, _ = self.logprobs(model, inputs)
        return -found.sum() / (len(found) if num_items_in_batch is None else num_items_in_batch)

    def prediction_step(self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: Any = None) -> tuple[torch.Tensor, None, None]:
        with torch.no_grad(), self.compute_loss_context_manager():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None


class PreferenceTrainer(AnswerTrainer):
    """DPO: -log sigmoid(beta × how much more the policy than the reference prefers the chosen output). The reference, the adapter that training
    starts from, scores every pair once, in `train`."""

    def __init__(self, *args: Any, beta: float, **options: Any):
        super().__init__(*args, **options)
        self._beta = beta
        self._metrics: dict[str, dict[str, list[float]]] = {"": defaultdict(list), "eval_": defaultdict(list)}
        self.model_accepts_loss_kwargs = False  # a mean over pairs, whatever the number of tokens

    def train(self, *args: Any, **options: Any) -> Any:
        self.train_dataset, self.eval_dataset = (self._referred(data) for data in (self.train_dataset, self.eval_dataset))
        return super().train(*args, **options)

    def _referred(self, data: Dataset) -> Dataset:
        found: list[list[float]] = []
        for row in data:
            inputs = self._prepare_inputs(collate([row]))
            with torch.no_grad(), self.compute_loss_context_manager():
                found.append(self._said(self.model, inputs)[0].tolist())
        return data.add_column("reference", found)

    def _said(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """-> log-probability of each pair's two outputs, (pairs, 2)."""
        found, row = self.logprobs(model, inputs)
        return found.new_zeros(len(inputs["ids"])).index_add(0, row, found).view(-1, 2)

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> torch.Tensor:
        said = self._said(model, inputs)
        gained = self._beta * (said - inputs["reference"])
        margin = gained[:, 0] - gained[:, 1]
        metrics = self._metrics["" if model.training else "eval_"]
        named = {"rewards/chosen": gained[:, 0], "rewards/rejected": gained[:, 1], "rewards/margins": margin, "rewards/accuracies": (margin > 0).float()}
        for name, values in {**named, "logps/chosen": said[:, 0], "logps/rejected": said[:, 1]}.items():
            metrics[name] += values.detach().float().tolist()
        return -F.logsigmoid(margin).mean()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """With the means since the last time, under TRL's names."""
        part = "eval_" if any(name.startswith("eval_") for name in logs) else ""
        means = {part + name: sum(values) / len(values) for name, values in self._metrics[part].items()}
        self._metrics[part].clear()
        super().log({**logs, **means}, start_time)
