"""General instructions, written here, mixed with the rows of an adapter that acts everywhere, against forgetting (rehearsal: Scialom et al., arXiv 2205.12393).
An adapter that wakes up at the question sleeps through them: it can forget nothing that is asked without one, and could learn nothing from them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from rag.core.jsonl import read_lines
from rag.generation import prompt

FILE = Path(__file__).parent / "general.jsonl"


def general_examples(tokenizer: Any, rows: int, share: float) -> list[tuple[list[int], list[int]]]:
    """-> token ids of instruction and answer, of as many as are this share, from 0 to 1, of all with the other `rows`; each again where there are fewer."""
    many = round(rows * share / (1 - share)) if share else 0
    asked = itertools.islice(itertools.cycle(read_lines(FILE)), many)
    return [
        (
            prompt.render_plain(tokenizer, g["instruction"]),
            [*prompt.plain_ids(tokenizer, g["answer"]), tokenizer.eos_token_id],
        )
        for g in asked
    ]
