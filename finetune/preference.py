"""Preference pairs from mechanical checks: chosen is the row's target; rejected is the tuned model's own mistake, or a near miss made from the row."""

from __future__ import annotations

import random
from collections import Counter

from tqdm import tqdm

from finetune.data import Pair, Row
from finetune.spans import find_spans
from rag import prompt
from rag.generator import Generator
from rag.scoring import token_f1

RIGHT = 0.6  # token F1 from which an answer counts as the right span


def fault(output: str, row: Row) -> str | None:
    """-> what is wrong with an output for this row, or None."""
    parsed = prompt.parse(output)
    if not row.cited:
        return None if parsed.refused else "answers when it should refuse"
    if parsed.refused:
        return "refuses when it should answer"
    if token_f1(parsed.text, [row.answer]) < RIGHT:
        return "wrong span"
    if not parsed.cited:
        return "no citation"
    return None if parsed.cited == (row.cited,) else "wrong citation"


def near_miss(row: Row, rng: random.Random) -> tuple[str, str]:
    """-> an output that is wrong for this row in one way, and the way. Near misses: of wrong spans one of the right passage and of the right kind if there is
    one, with the number of the passage that it stands in."""
    wrong = _wrong_spans(row)
    if not row.cited:
        span, number = _nearest(wrong, rng) if wrong else (row.answer, 1)
        return prompt.answer_text(span, number), "answers when it should refuse"
    others = [n for n in range(1, len(row.passages) + 1) if n != row.cited]
    choices = [(prompt.REFUSAL, "refuses when it should answer")]
    if others:
        choices.append((prompt.answer_text(row.answer, rng.choice(others)), "wrong citation"))
    if wrong:
        choices.append((prompt.answer_text(*_nearest(wrong, rng)), "wrong span"))
    return rng.choice(choices)


def _wrong_spans(row: Row) -> list[tuple[int, str, int]]:
    """-> (distance, span, passage) of each span that is not the answer; distance 0 in the passage cited and of the answer's kind, 1 with one of both."""
    kinds = {kind for chunk in row.passages for kind, _, span in find_spans(chunk.text) if token_f1(span, [row.answer]) >= RIGHT}
    return [
        ((number != row.cited) + (kind not in kinds), span, number)
        for number, chunk in enumerate(row.passages, 1)
        for kind, _, span in find_spans(chunk.text)
        if token_f1(span, [row.answer]) < RIGHT
    ]


def _nearest(wrong: list[tuple[int, str, int]], rng: random.Random) -> tuple[str, int]:
    least = min(distance for distance, _, _ in wrong)
    _, span, number = rng.choice([way for way in wrong if way[0] == least])
    return span, number


def make_pairs(generator: Generator, rows: list[Row], most: int, batch: int, max_new_tokens: int) -> list[Pair]:
    """-> at most `most` pairs: the model's own mistakes on `rows` first, then near misses on the rows that it got right."""
    rng, own, made = random.Random(0), [], []
    rows = rng.sample(rows, min(len(rows), 2 * most))
    with tqdm(total=len(rows), desc="answering for preference pairs", unit=" rows") as bar:
        for at in range(0, len(rows), batch):
            part = rows[at : at + batch]
            tokens = [prompt.render(generator.tokenizer, row.question, list(row.passages)) for row in part]
            for row, generation in zip(part, generator.generate(tokens, max_new_tokens), strict=True):
                output = generation.text.strip()
                reason = fault(output, row)
                if reason and output:
                    own.append(Pair(row, row.target, output, f"own: {reason}"))
                else:
                    rejected, reason = near_miss(row, rng)
                    made.append(Pair(row, row.target, rejected, f"made: {reason}"))
            bar.update(len(part))
    return (own + made)[:most]


def count_reasons(pairs: list[Pair]) -> dict[str, int]:
    return dict(Counter(pair.reason for pair in pairs).most_common())
