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

from finetune.data.rows import PreferencePair, TrainingRow
from finetune.generator.base_model import TrainableModel
from rag.generation import prompt
from rag.generation.kv_cache import make_prefix_cache
from rag.generation.prefill import PrefixReader

SCORED = 8  # pairs that the reference scores at a time


def examples(tokenizer: Any, rows: list[TrainingRow], outputs: list[list[str]], apart: bool) -> Dataset:
    """-> of each row: prefix (parts, see rag.generation.prefill), question (token ids from the question on), outputs (token ids of each, its end included), length
    (tokens without the prefix: kept tokens cost little)."""
    made = []
    for row, said in zip(rows, outputs, strict=True):
        tokens = [prompt.render(tokenizer, row.question, list(row.passages), output) for output in said]
        ends = [t.completion for t in tokens]
        question = tokens[0].question
        made.append(
            {
                "prefix": tokens[0].parts(apart),
                "question": question,
                "outputs": ends,
                "length": len(question) + sum(map(len, ends)),
            }
        )
    return Dataset.from_list(made)


def answers(tokenizer: Any, rows: list[TrainingRow], apart: bool = False) -> Dataset:
    """-> the examples of SFT: each row with its target."""
    return examples(tokenizer, rows, [[row.target] for row in rows], apart)


def preferences(tokenizer: Any, pairs: list[PreferencePair], apart: bool = False) -> Dataset:
    """-> the examples of DPO: each row with its chosen and its rejected output."""
    return examples(tokenizer, [pair.row for pair in pairs], [[pair.chosen, pair.rejected] for pair in pairs], apart)


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """-> a batch in which every row is a question and, side by side after it, its outputs, which do not see each other: what they share goes through
    the model once.

    ids, position (from the prefix's end on), branch (0 for the question, then the number of the output, -1 for padding), all (rows, tokens), left-padded.
    labels: every output's tokens, one after the other. predictor: (labels, 2), row and token that each is predicted from. output: (labels,), number
    of the output among all of the batch. prefixes: one a row."""
    width = max(row["length"] for row in rows)
    lines, places, batch = [], [], {"labels": [], "predictor": [], "output": []}
    for n, row in enumerate(rows):
        at = width - row["length"]
        ids, branch, position = (
            [0] * at + row["question"],
            [-1] * at + [0] * len(row["question"]),
            [0] * at + list(range(len(row["question"]))),
        )
        last, first = len(ids) - 1, len(row["question"])
        for number, output in enumerate(row["outputs"], 1):
            batch["labels"] += output
            batch["predictor"] += [(n, column) for column in (last, *range(len(ids), len(ids) + len(output) - 1))]
            batch["output"] += [sum(len(r["outputs"]) for r in rows[:n]) + number - 1] * len(output)
            ids, branch, position = (
                ids + output,
                branch + [number] * len(output),
                position + list(range(first, first + len(output))),
            )
        lines.append(ids)
        places.append((branch, position))
    batch |= {"ids": lines, "branch": [b for b, _ in places], "position": [p for _, p in places]}
    if "reference" in rows[0]:
        batch["reference"] = [row["reference"] for row in rows]
    return {
        **{name: torch.tensor(values) for name, values in batch.items()},
        "prefixes": [tuple(map(tuple, row["prefix"])) for row in rows],
    }


def unmasked_columns(branch: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """-> (rows, 1, tokens, prefix + tokens): true where a token sees another: the prefix, and of what came before it the question and its own output.

    branch: (rows, tokens); before: the prefixes' mask (rows, prefix)."""
    asker, seen = branch[:, :, None], branch[:, None, :]
    own = (
        ((seen == 0) | (seen == asker))
        & (seen >= 0)
        & torch.ones_like(branch[0], dtype=torch.bool).expand(len(branch[0]), -1).tril()
    )
    return torch.cat([before[:, None].bool().expand(-1, branch.shape[1], -1), own], -1)[:, None]


@contextmanager
def _scored_at(model: Any, places: torch.Tensor) -> Iterator[None]:
    """Inside, the output layer scores only these places (row, token), one after the other in a single row: for a row with gaps torch would copy the
    vocabulary's matrix."""
    hook = model.get_output_embeddings().register_forward_pre_hook(
        lambda module, inputs: (inputs[0][places[:, 0], places[:, 1]][None],)
    )
    try:
        yield
    finally:
        hook.remove()


class AnswerTrainer(Trainer):
    """SFT: the mean negative log-likelihood of supervised tokens."""

    def __init__(self, model: Any, args: Any, base: TrainableModel, **options: Any):
        """model: the base with its adapter."""
        super().__init__(model, args, data_collator=collate, processing_class=base.tokenizer, **options)
        layers = base.model.base_model
        self.prefixes = PrefixReader(
            layers, self._read_as_base, base.reads_as, make_prefix_cache(base.prefix), str(args.device), base.prefix.apart
        )

    def _read_as_base(self, **inputs: Any) -> Any:
        with self.model.disable_adapter():
            return self.model.get_base_model().base_model(**inputs)

    def train(self, *args: Any, **options: Any) -> Any:
        self.prefixes.preload(
            [tuple(map(tuple, prefix)) for data in (self.train_dataset, self.eval_dataset) for prefix in data["prefix"]]
        )
        with disable_input_dtype_casting(self.model):  # autocast casts once more, to bfloat16
            return super().train(*args, **options)

    def logprobs(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """-> natural log-probability of each label."""
        with self.prefixes.read(inputs["prefixes"]) as prefix, _scored_at(self.model, inputs["predictor"]):
            out = model(
                input_ids=inputs["ids"],
                attention_mask=unmasked_columns(inputs["branch"], prefix.mask),
                position_ids=prefix.start + inputs["position"],
                past_key_values=prefix.cache,
                use_cache=True,
            )
        return -F.cross_entropy(out.logits[0].float(), inputs["labels"], reduction="none")

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        found = self.logprobs(model, inputs)
        return -found.sum() / (len(found) if num_items_in_batch is None else num_items_in_batch)

    def prediction_step(
        self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: Any = None
    ) -> tuple[torch.Tensor, None, None]:
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
        self.train_dataset, self.eval_dataset = (
            self._referred(data) for data in (self.train_dataset, self.eval_dataset)
        )
        return super().train(*args, **options)

    def _referred(self, data: Dataset) -> Dataset:
        found: list[list[float]] = []
        for at in tqdm(
            range(0, len(data), SCORED),
            desc="scoring with the reference",
            unit=f" × {SCORED} pairs",
            disable=len(data) < 64,
        ):
            inputs = self._prepare_inputs(collate([data[n] for n in range(at, min(at + SCORED, len(data)))]))
            with torch.no_grad(), self.compute_loss_context_manager():
                found += self._said(self.model, inputs).tolist()
        return data.add_column("reference", found)

    def _said(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """-> log-probability of each pair's two outputs, (pairs, 2)."""
        found = self.logprobs(model, inputs)
        return found.new_zeros(2 * len(inputs["ids"])).index_add(0, inputs["output"], found).view(-1, 2)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        said = self._said(model, inputs)
        gained = self._beta * (said - inputs["reference"])
        margin = gained[:, 0] - gained[:, 1]
        metrics = self._metrics["" if model.training else "eval_"]
        named = {
            "rewards/chosen": gained[:, 0],
            "rewards/rejected": gained[:, 1],
            "rewards/margins": margin,
            "rewards/accuracies": (margin > 0).float(),
        }
        for name, values in {**named, "logps/chosen": said[:, 0], "logps/rejected": said[:, 1]}.items():
            metrics[name] += values.detach().float().tolist()
        return -F.logsigmoid(margin).mean()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """With the means since the last time, under TRL's names; put into `logs` itself, which callbacks are shown after an evaluation."""
        part = "eval_" if any(name.startswith("eval_") for name in logs) else ""
        logs.update({part + name: sum(values) / len(values) for name, values in self._metrics[part].items()})
        self._metrics[part].clear()
        super().log(logs, start_time)
