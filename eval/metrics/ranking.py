"""Measures of a ranking of passages."""

from __future__ import annotations

import math
from collections.abc import Iterable

from eval.metrics.statistics import mean

# For each question, for each piece of its evidence: the rank, from 1, of the first passage that holds it, or None.
Ranks = list[list[int | None]]


def recall_at(ranks: Ranks, k: int) -> float:
    """Return the mean share of each question's evidence that is found among the first k passages."""
    return mean([sum(r is not None and r <= k for r in pieces) / len(pieces) for pieces in ranks if pieces])


def mean_reciprocal_rank(ranks: Ranks) -> float:
    """Return the mean of 1 / rank of the first right passage, 0 where none was found (Voorhees, TREC-8, 1999)."""
    return mean([max((1 / r for r in pieces if r), default=0.0) for pieces in ranks if pieces])


def ndcg_at(ranks: Ranks, k: int) -> float:
    """Return the normalized discounted cumulative gain (Järvelin & Kekäläinen, ACM TOIS 20(4), 2002).

    The first passage that holds a piece of evidence gains 1 / log2(1 + rank); the sum is divided by that of a ranking
    with all pieces on top. A passage that holds two pieces counts once.
    """
    return mean([_ndcg(pieces, k) for pieces in ranks if pieces])


def _ndcg(pieces: list[int | None], k: int) -> float:
    best = range(1, min(k, _passages_needed(pieces)) + 1)
    return _gain({r for r in pieces if r and r <= k}) / _gain(best)


def _gain(ranks: Iterable[int]) -> float:
    return sum(1 / math.log2(1 + rank) for rank in ranks)


def _passages_needed(pieces: list[int | None]) -> int:
    """Pieces that were found in one passage need one; each piece that was not found needs one."""
    return len({r for r in pieces if r}) + sum(r is None for r in pieces)


def ranking_measures(ranks: Ranks) -> dict[str, float]:
    """Return recall at 1, 5 and 20, MRR and nDCG at 10."""
    recalls = {f"recall@{k}": recall_at(ranks, k) for k in (1, 5, 20)}
    return {**recalls, "mrr": mean_reciprocal_rank(ranks), "ndcg@10": ndcg_at(ranks, 10)}
