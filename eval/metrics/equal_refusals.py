"""Two generators compared where both refuse the same share of the unanswerable questions.

At one threshold a generator with lower confidence refuses more of everything, so that F1 and refusals cannot be told
apart. Here each generator gets a threshold of its own: the one at which it refuses a given share of the unanswerable
questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from eval.metrics.answer_metrics import cites_evidence
from eval.metrics.prediction import Figures, Prediction
from eval.metrics.span_outcomes import span_outcome
from eval.metrics.statistics import Difference, bootstrap_statistic
from rag.generation.prompt import parse_answer

SHARES = (0.5, 0.7)  # of the unanswerable questions, beside the share that the baseline refuses at its own threshold
ROUNDING = 1e-9  # of a share that is itself a quotient
SAMPLES = 2_000  # resamples; each sorts the unanswerable questions anew


@dataclass(frozen=True)
class BestSpans:
    """The best span of each question, also where it was refused; all arrays have the shape (questions,).

    probability: how likely the span is right, 0 where there is none. f1: its token F1, 0 where no answer exists.
    cites: 1 where it lies in a passage that holds the evidence, else 0.
    """

    answerable: np.ndarray
    probability: np.ndarray
    f1: np.ndarray
    cites: np.ndarray


def best_spans(rows: Sequence[Prediction]) -> BestSpans | None:
    """Return the best spans of scored predictions, or None unless all are extractive.

    The confidence of a generated answer is no probability, so that no threshold can be moved.
    """
    if not rows or not all(_is_extractive(row) for row in rows):
        return None
    outcomes = [span_outcome(row) for row in rows]
    return BestSpans(
        np.array([outcome.answerable for outcome in outcomes]),
        np.array([outcome.probability for outcome in outcomes]),
        np.array([outcome.f1 for outcome in outcomes]),
        np.array([_best_span_cites(row) for row in rows], float),
    )


def _is_extractive(row: Prediction) -> bool:
    """Rows written before "extractive" was kept are taken as such: spans were the default."""
    return row.get("extractive", True) and row.get("confidence") is not None and "output" in row


def _best_span_cites(row: Prediction) -> bool:
    return any(cites_evidence(row, {"passage": number}) for number in parse_answer(row["output"]).cited)


def refusal_curve(rows: Sequence[Prediction], points: int = 20) -> list[tuple[float, float]]:
    """Return how F1 falls as more is refused: the share of unanswerable questions refused, and F1 at that threshold.

    points: steps from refusing none to refusing all. Returns [] under the conditions of compare_at_equal_refusals.
    """
    spans = best_spans(rows)
    if spans is None or spans.answerable.all() or not spans.answerable.any():
        return []
    answerable, unanswerable = np.flatnonzero(spans.answerable), np.flatnonzero(~spans.answerable)
    found = (at_share(spans, answerable, unanswerable, n / points) for n in range(points + 1))
    return [(round(float(each["refused"]), 4), round(float(each["f1"]), 4)) for each in found]


def compare_at_equal_refusals(a: Sequence[Prediction], b: Sequence[Prediction]) -> list[Figures]:
    """Compare b with a, the baseline, at each share of refused unanswerable questions.

    Returns for each share the measures of both (see at_share), and the differences of F1 and right citations with
    paired intervals; thresholds are found anew in each resample. Returns [] where an answer is not extractive, and
    where there are no answerable or no unanswerable questions.
    """
    spans_a, spans_b = best_spans(a), best_spans(b)
    if spans_a is None or spans_b is None or spans_a.answerable.all() or not spans_a.answerable.any():
        return []
    own = float(np.mean([row["refused"] for row in a if not row["answers"]]))
    return [_compare_at(spans_a, spans_b, share) for share in dict.fromkeys((own, *SHARES))]


def _compare_at(a: BestSpans, b: BestSpans, share: float) -> Figures:
    answerable, unanswerable = np.flatnonzero(a.answerable), np.flatnonzero(~a.answerable)

    def difference(measure: str) -> Difference:
        def statistic(asked: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
            return at_share(b, asked, other, share)[measure] - at_share(a, asked, other, share)[measure]

        return bootstrap_statistic(statistic, [answerable, unanswerable], SAMPLES)

    found = {name: at_share(spans, answerable, unanswerable, share) for name, spans in (("a", a), ("b", b))}
    return {
        "share": round(share, 4),
        **{name: {key: round(float(x), 4) for key, x in values.items()} for name, values in found.items()},
        "n_answerable": len(answerable),
        "n_unanswerable": len(unanswerable),
        "differences": {name: asdict(difference(name)) for name in ("f1", "right_citations")},
    }


def at_share(spans: BestSpans, answerable: np.ndarray, unanswerable: np.ndarray, share: float) -> dict[str, np.ndarray]:
    """Return the measures of a generator that refuses this share of the unanswerable questions.

    answerable, unanswerable: indices of questions, shape (..., questions). Returns arrays of shape (...): refused,
    the share of unanswerable questions that is refused, more than asked for where probabilities are equal; f1, over
    answerable questions, a refusal scoring 0; answered, the share of answerable questions that is answered;
    right_citations, the share of these answers that cite the evidence, 0 where there are none.
    """
    threshold = _threshold(spans.probability[unanswerable], share)[..., None]
    probability = spans.probability[answerable]
    shown = (probability >= threshold) & (probability > 0)
    refused = (spans.probability[unanswerable] < threshold) | (spans.probability[unanswerable] <= 0)
    return {
        "refused": refused.mean(axis=-1),
        "f1": (spans.f1[answerable] * shown).mean(axis=-1),
        "answered": shown.mean(axis=-1),
        "right_citations": (spans.cites[answerable] * shown).sum(axis=-1) / np.maximum(shown.sum(axis=-1), 1),
    }


def _threshold(probabilities: np.ndarray, share: float) -> np.ndarray:
    """Return the lowest threshold with at least this share of the last axis below it."""
    count = math.ceil(share * probabilities.shape[-1] - ROUNDING)
    if not count:
        return np.zeros(probabilities.shape[:-1])
    return np.nextafter(np.sort(probabilities, axis=-1)[..., count - 1], 2.0)
