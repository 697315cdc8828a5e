"""General instructions for adapters that act on the whole sequence, mixed with their rows against forgetting.

This is rehearsal (Scialom et al., 2022, arXiv 2205.12393). An adapter that is inactive before the question can forget
nothing of what is asked without one, and gets none.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.jsonl import read_lines
from rag.generation import prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FILE = Path(__file__).parent / "general.jsonl"


def general_instructions(rows: int, share: float) -> list[dict[str, str]]:
    """Return instructions with their answers.

    rows: how many other examples there are. share: of general instructions among all, from 0 to below 1; they repeat
    where there are too few.
    """
    count = round(rows * share / (1 - share)) if share else 0
    return list(itertools.islice(itertools.cycle(read_lines(FILE)), count))


def general_examples(tokenizer: PreTrainedTokenizerBase, rows: int, share: float) -> list[tuple[list[int], list[int]]]:
    """Return token ids of `general_instructions` and of their answers."""
    return [
        (
            prompt.render_plain(tokenizer, example["instruction"]),
            [*prompt.plain_ids(tokenizer, example["answer"]), tokenizer.eos_token_id],
        )
        for example in general_instructions(rows, share)
    ]
