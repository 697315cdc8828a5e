"""Measures over many scored predictions: pure functions."""

from __future__ import annotations

import math

from eval.metrics import calibration
from eval.metrics.prediction import Figures, Prediction
from eval.metrics.statistics import mean


def summarize_answers(rows: list[Prediction]) -> Figures:
    """Return the measures of one generator's scored predictions; failed ones are counted and otherwise left out.

    exact_match, f1, contains: means over answerable questions, a refusal scoring 0 (SQuAD, Rajpurkar et al., arXiv
    1606.05250). squad2_f1: mean over all questions, a refusal scoring 1 where the documents do not answer (SQuAD 2.0,
    arXiv 1806.03822). citation_precision, literal_quotes, groundedness, relevance: means over the answers given.
    right_citations: mean citation precision over the answers given to answerable questions. citation_recall: mean
    over answerable questions. refusal: precision, recall and F1 over all questions, with refusing as the positive
    class. ece: of the answers given. coverage_area: of all decisions, refusals among them; over answers alone it
    would reward answering what has no answer. hallucination_rate: share of all questions that got an answer where
    there is none, or one that the groundedness check finds unsupported. perplexity: of the gold answers' tokens.
    """
    done = [row for row in rows if not row.get("error")]
    answerable = [row["measures"] for row in done if row["answers"]]
    given = [row["measures"] for row in done if not row["refused"]]
    given_to_answerable = [row["measures"] for row in done if not row["refused"] and row["answers"]]
    tokens = [row.get("tokens", {}) for row in done]
    return {
        "n": len(done),
        "n_answerable": len(answerable),
        "answered": len(given),
        **{name: mean([m[name] for m in answerable]) for name in ("exact_match", "f1", "contains")},
        "squad2_f1": mean([row["measures"]["squad2_f1"] for row in done]),
        "right_citations": _mean_known(given_to_answerable, "citation_precision"),
        "citation_precision": _mean_known(given, "citation_precision"),
        "citation_recall": _mean_known(answerable, "citation_recall"),
        "literal_quotes": _mean_known(given, "literal_quotes"),
        "groundedness": _mean_known(given, "grounded"),
        "relevance": _mean_known(given, "relevance"),
        "refusal": refusal_scores(done),
        "hallucination_rate": mean([float(row["measures"]["hallucinated"]) for row in done]),
        "ece": calibration.expected_calibration_error(decisions([row for row in done if not row["refused"]])),
        "coverage_area": calibration.coverage_area(calibration.coverage_curve(decisions(done), len(done))),
        "perplexity": perplexity(done),
        "tokens": {name: _mean_known(tokens, name) for name in ("read", "written")},
        "failures": len(rows) - len(done),
    }


def confidence_curves(rows: list[Prediction]) -> Figures:
    """Return what the plots draw: the bins of confidence, and the curve of coverage against accuracy."""
    done = [row for row in rows if not row.get("error")]
    given = [row for row in done if not row["refused"]]
    return {
        "calibration": calibration.confidence_bins(decisions(given)),
        "coverage": calibration.coverage_curve(decisions(done), len(done)),
    }


def decisions(rows: list[Prediction]) -> calibration.Decisions:
    """Return the confidence of each answer or refusal, and whether it is right, where the confidence is known."""
    return [(row["confidence"], row["measures"]["right"]) for row in rows if row.get("confidence") is not None]


def refusal_scores(rows: list[Prediction]) -> dict[str, float]:
    """Return precision, recall and F1 of refusing, which is right where the documents do not answer."""
    right = sum(row["refused"] and not row["answers"] for row in rows)
    refused, unanswerable = sum(row["refused"] for row in rows), sum(not row["answers"] for row in rows)
    precision = right / refused if refused else 0.0
    recall = right / unanswerable if unanswerable else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def perplexity(rows: list[Prediction]) -> float | None:
    """Return the perplexity of the gold answers' tokens (Jelinek et al., 1977), None where none was scored."""
    logprobs = [x for row in rows for x in row.get("gold_logprobs", ())]
    return round(math.exp(-sum(logprobs) / len(logprobs)), 3) if logprobs else None


def _mean_known(measures: list[Figures], name: str) -> float | None:
    known = [m[name] for m in measures if m.get(name) is not None]
    return mean(known) if known else None
