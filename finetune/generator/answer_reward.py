"""How good an output is for a row, by mechanical checks: the reward of reinforcement learning, without a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from finetune.data.rows import TrainingRow
from rag.answering.answer import generated_answer
from rag.core.text_metrics import token_f1
from rag.generation import prompt
from rag.generation.generator import Generation
from rag.retrieval.passage import Passage

# Shares of the reward of an answer: its words, the check that the passages bear it out, the right citation.
WORDS, BORNE_OUT, CITED = 0.5, 0.25, 0.25


def answer_reward(row: TrainingRow, output: str) -> float:
    """Return the reward of an output, from 0 to 1.

    Where the label is the refusal, 1 for refusing. Elsewhere refusing earns nothing, and an answer is rewarded for
    token F1, for being borne out by the passages as `rag ask` checks it, and for citing just the passages that hold it.
    """
    parsed = prompt.parse_answer(output)
    if not row.cited or parsed.refused:
        return float(parsed.refused and not row.cited)
    shown = generated_answer(Generation(output, []), [Passage(chunk, 0.0, None) for chunk in row.passages])
    right_citation = set(parsed.cited) == {row.cited, *row.also}
    return WORDS * token_f1(parsed.text, [row.answer]) + BORNE_OUT * (not shown.refused) + CITED * right_citation


def reward_function(rows: Sequence[TrainingRow]) -> Callable[..., list[float]]:
    """Return `answer_reward` as TRL calls it: completions as messages, and the column `row`, a number in `rows`."""

    def checks(completions: list[list[dict[str, str]]], row: list[int], **columns: Any) -> list[float]:
        return [answer_reward(rows[n], said[-1]["content"]) for n, said in zip(row, completions, strict=True)]

    return checks
