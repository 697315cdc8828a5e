"""Measures over many questions, pure functions on predictions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Prediction = dict[str, Any]


def recall_at(ranks: list[list[int | None]], k: int) -> float:
    """Mean share of each question's evidence found among the first k passages. ranks: per question, the rank (from 1) of each piece, or None."""
    return mean([sum(r is not None and r <= k for r in pieces) / len(pieces) for pieces in ranks if pieces])


def mean_reciprocal_rank(ranks: list[list[int | None]]) -> float:
    """Mean of 1 / rank of the first right passage, 0 where none was found (Voorhees, TREC-8 1999)."""
    return mean([max((1 / r for r in pieces if r), default=0.0) for pieces in ranks if pieces])


def retrieval(ranks: list[list[int | None]]) -> dict[str, float]:
    return {**{f"recall@{k}": recall_at(ranks, k) for k in (1, 5, 20)}, "mrr": mean_reciprocal_rank(ranks)}


def answers(predictions: list[Prediction]) -> dict[str, Any]:
    """-> the summary of one generator's predictions; those that failed are counted and otherwise left out.

    exact_match, f1: mean over answerable questions, a refusal scoring 0. citation_precision: share of right citations, mean over answers
    given. citation_recall: share of the evidence cited, mean over answerable questions. refusal: with refusing as the positive class, over all.
    perplexity: of the gold answers' tokens.
    """
    done = [p for p in predictions if not p.get("error")]
    answerable = [p for p in done if p["answerable"]]
    given = [p for p in done if not p["refused"]]
    latencies = [p["seconds"] for p in done]
    nll, tokens = sum(-sum(p["gold_logprobs"]) for p in done), sum(len(p["gold_logprobs"]) for p in done)
    return {
        "n_answerable": len(answerable),
        "exact_match": mean([p["exact_match"] for p in answerable]),
        "f1": mean([p["f1"] for p in answerable]),
        "citation_precision": mean([p["citation_precision"] for p in given]),
        "citation_recall": mean([p["citation_recall"] for p in answerable]),
        "refusal": refusal(done),
        "answered": len(given),
        "perplexity": round(math.exp(nll / tokens), 3) if tokens else None,
        "failures": len(predictions) - len(done),
        "latency_s": {"p50": percentile(latencies, 50), "p95": percentile(latencies, 95)},
    }


def refusal(predictions: list[Prediction]) -> dict[str, float]:
    """Precision, recall and F1 of refusing, where refusing is right when the documents do not answer."""
    right = sum(p["refused"] and not p["answerable"] for p in predictions)
    refused, should = sum(p["refused"] for p in predictions), sum(not p["answerable"] for p in predictions)
    precision, recall = right / refused if refused else 0.0, right / should if should else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def utility(prediction: Prediction) -> float:
    """One number a question: token F1 where the documents answer it, else 1 for the refusal and 0 for an answer."""
    return prediction["f1"] if prediction["answerable"] else float(prediction["refused"])


def paired_bootstrap(a: list[float], b: list[float], samples: int = 10_000, seed: int = 0) -> tuple[float, float, float]:
    """-> mean of b - a over the same questions, and its 95 % percentile interval (Efron & Tibshirani 1993)."""
    difference = np.asarray(b, float) - np.asarray(a, float)
    if not len(difference):
        return 0.0, 0.0, 0.0
    picks = np.random.default_rng(seed).integers(0, len(difference), (samples, len(difference)))
    low, high = np.percentile(difference[picks].mean(1), [2.5, 97.5])
    return float(difference.mean()), float(low), float(high)


def grouped(predictions: list[Prediction], key: Callable[[Prediction], str]) -> dict[str, list[Prediction]]:
    groups: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        groups.setdefault(key(prediction), []).append(prediction)
    return dict(sorted(groups.items()))


def mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def percentile(values: list[float], q: float) -> float:
    return round(float(np.percentile(values, q)), 3) if values else 0.0
