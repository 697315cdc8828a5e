"""Measures of a ranking of passages. ranks: per question, the rank (from 1) of the first passage that holds each piece of its evidence, or None."""

from __future__ import annotations

import math

from eval.metrics.statistics import mean

Ranks = list[list[int | None]]


def recall_at(ranks: Ranks, k: int) -> float:
    """Mean share of each question's evidence found among the first k passages."""
    return mean([sum(r is not None and r <= k for r in pieces) / len(pieces) for pieces in ranks if pieces])


def mean_reciprocal_rank(ranks: Ranks) -> float:
    """Mean of 1 / rank of the first right passage, 0 where none was found (Voorhees, TREC-8, 1999)."""
    return mean([max((1 / r for r in pieces if r), default=0.0) for pieces in ranks if pieces])


def ndcg_at(ranks: Ranks, k: int) -> float:
    """Normalized discounted cumulative gain (Järvelin & Kekäläinen, ACM TOIS 20(4), 2002) with gain 1 for the first passage that holds a piece of
    evidence: the sum of 1 / log2(1 + rank), over that of a ranking that has all pieces on top. A passage that holds two pieces counts once."""
    return mean(
        [
            _gain({r for r in pieces if r and r <= k}) / _gain(range(1, min(k, _pieces(pieces)) + 1))
            for pieces in ranks
            if pieces
        ]
    )


def _gain(places) -> float:
    return sum(1 / math.log2(1 + rank) for rank in places)


def _pieces(pieces: list[int | None]) -> int:
    """How many passages a perfect ranking would need: pieces found in one passage need one."""
    found = {r for r in pieces if r}
    return len(found) + sum(r is None for r in pieces)


def ranking_measures(ranks: Ranks) -> dict[str, float]:
    return {
        **{f"recall@{k}": recall_at(ranks, k) for k in (1, 5, 20)},
        "mrr": mean_reciprocal_rank(ranks),
        "ndcg@10": ndcg_at(ranks, 10),
    }
