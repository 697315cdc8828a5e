"""Rows as training on cached passages reads them: a prefix, and after it a question with its outputs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset

from finetune.data.rows import PreferencePair, TrainingRow
from rag.generation import prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Example = dict[str, Any]  # a row of the data sets below


def sft_examples(tokenizer: PreTrainedTokenizerBase, rows: Sequence[TrainingRow], apart: bool = False) -> Dataset:
    """Return the data set of SFT: each row with its target.

    apart: whether passages are encoded one by one. Columns as in `_example`.
    """
    return Dataset.from_list([_example(tokenizer, row, [row.target], apart) for row in rows])


def dpo_examples(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[PreferencePair], apart: bool = False) -> Dataset:
    """Return the data set of DPO: each row with its chosen and its rejected output, else as for SFT."""
    examples = [_example(tokenizer, pair.row, [pair.chosen, pair.rejected], apart) for pair in pairs]
    return Dataset.from_list(examples)


def _example(tokenizer: PreTrainedTokenizerBase, row: TrainingRow, outputs: list[str], apart: bool) -> Example:
    """Return prefix (its parts as token ids), question and outputs (token ids), and length (tokens after the prefix).

    Batches are made by `length`, since cached tokens cost little.
    """
    rendered = [prompt.render(tokenizer, row.question, list(row.passages), output) for output in outputs]
    question, completions = rendered[0].question, [tokens.completion for tokens in rendered]
    length = len(question) + sum(map(len, completions))
    return {"prefix": rendered[0].parts(apart), "question": question, "outputs": completions, "length": length}


def collate_examples(examples: Sequence[Example]) -> dict[str, Any]:
    """Return a batch whose rows are a question and, after it, its outputs, which do not see each other.

    What the outputs of a question share then goes through the model once.

    ids, branch and position are (rows, tokens), padded on the left. branch: 0 for the question, then the number of the
    output, -1 for padding. position: counted from the end of the prefix. labels: the tokens of all outputs, one after
    the other. predictor: (labels, 2), row and column of the token that each label is predicted from. output: (labels,),
    number of the output among those of the whole batch. prefixes: one a row. reference: (rows, 2), where DPO has it.
    """
    width = max(example["length"] for example in examples)
    rows = [_padded_row(example, width) for example in examples]
    batch = {name: [row[name] for row in rows] for name in ("ids", "branch", "position")} | _labels(examples, width)
    if "reference" in examples[0]:
        batch["reference"] = [example["reference"] for example in examples]
    prefixes = [tuple(map(tuple, example["prefix"])) for example in examples]
    return {**{name: torch.tensor(values) for name, values in batch.items()}, "prefixes": prefixes}


def _padded_row(example: Example, width: int) -> dict[str, list[int]]:
    padding, asked = width - example["length"], len(example["question"])
    ids = [0] * padding + example["question"]
    branch = [-1] * padding + [0] * asked
    position = [0] * padding + [*range(asked)]
    for number, output in enumerate(example["outputs"], 1):
        ids = ids + output
        branch += [number] * len(output)
        position += range(asked, asked + len(output))
    return {"ids": ids, "branch": branch, "position": position}


def _labels(examples: Sequence[Example], width: int) -> dict[str, list]:
    labels: list[int] = []
    predictor: list[tuple[int, int]] = []
    numbers: list[int] = []
    count = 0
    for row, example in enumerate(examples):
        column = width - sum(map(len, example["outputs"]))
        question_end = column - 1
        for output in example["outputs"]:
            labels += output
            predictor += [(row, at) for at in (question_end, *range(column, column + len(output) - 1))]
            numbers += [count] * len(output)
            column, count = column + len(output), count + 1
    return {"labels": labels, "predictor": predictor, "output": numbers}


def visible_tokens(branch: torch.Tensor, prefix_mask: torch.Tensor) -> torch.Tensor:
    """Return the attention mask of a batch, (rows, 1, tokens, prefix + tokens), true where a token sees another.

    A token sees the prefix and, of what came before it, the question and its own output. branch: (rows, tokens), as in
    `collate_examples`. prefix_mask: (rows, prefix), 1 where there is no padding.
    """
    query, key = branch[:, :, None], branch[:, None, :]
    tokens = branch.shape[1]
    causal = torch.ones(tokens, tokens, dtype=torch.bool, device=branch.device).tril()
    own = ((key == 0) | (key == query)) & (key >= 0) & causal
    return torch.cat([prefix_mask[:, None].bool().expand(-1, tokens, -1), own], -1)[:, None]
