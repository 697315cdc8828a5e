"""The span selector's weights, fitted on proposals of which it is known whether they are right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.answering.spans.confidence import Recalibration, fit_recalibration
from rag.answering.spans.span_selector import FittedWeights, SelectorWeights, expected_f1, sigmoid

RIGHT = 0.5  # token F1 from which a span counts as right
# Inverse strength of L2 regularization. Some features are frequent in one article alone (eval/LOG.md).
REGULARIZATION = 1.0
THRESHOLDS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class ScoredProposal:
    """A span proposed for a question, with the features that the selector weighs.

    span_score: the span scorer's. negation_mismatch: whether the question has a negation that the sentence lacks.
    expected_f1: how far the question's other proposals agree, set for the selected one. The rest as in `SpanProposal`.
    """

    question: str
    document: str
    answerable: bool
    logprob: float
    span_score: float
    negation_mismatch: bool
    text: str
    f1: float
    in_sentence: bool
    expected_f1: float = 0.0


@dataclass(frozen=True)
class CurvePoint:
    """What the threshold `answer.least` does.

    f1: over answerable questions, a refusal scoring 0. accuracy: share of the answers given that are right.
    right_refusals: share of the unanswerable questions that are refused. coverage: share of the answerable ones that
    are answered.
    """

    least: float
    f1: float
    accuracy: float
    right_refusals: float
    coverage: float


def recalibration_for(proposals: Iterable[ScoredProposal], weights: FittedWeights) -> Recalibration:
    """Fit the confidence of another generator, from its own proposals."""
    selected = select_all(proposals, weights)
    return fit_recalibration([probability for _, probability in selected], [p.f1 >= RIGHT for p, _ in selected])


def fit_weights(proposals: list[ScoredProposal]) -> FittedWeights:
    """Fit the weights that select a span, and those of its confidence and its sentence's.

    Selection is fitted on all proposals, the others on the selected one of each question: the best of several looks
    better than it is. Negation and agreement did not help selection (eval/LOG.md).
    """
    selection = _rounded(*_regress(_features(proposals)[:, :2], _right(proposals)))
    best = [_best(each, selection) for each in _by_question(proposals)]
    confidence = _regress(_features(best), _right(best))
    sentence = _regress(_features(best), np.array([p.in_sentence for p in best]))
    return FittedWeights(selection, _rounded(*confidence), _rounded(*sentence))


def select_all(proposals: Iterable[ScoredProposal], weights: FittedWeights) -> list[tuple[ScoredProposal, float]]:
    """Return the selected proposal of each question, and the probability that it is right."""
    best = [_best(each, weights.selection) for each in _by_question(proposals)]
    return [
        (p, sigmoid(weights.confidence.logit(p.logprob, p.span_score, p.negation_mismatch, p.expected_f1)))
        for p in best
    ]


def _by_question(proposals: Iterable[ScoredProposal]) -> list[list[ScoredProposal]]:
    grouped: dict[str, list[ScoredProposal]] = {}
    for proposal in proposals:
        grouped.setdefault(proposal.question, []).append(proposal)
    return list(grouped.values())


def _best(proposals: Sequence[ScoredProposal], selection: SelectorWeights) -> ScoredProposal:
    logits = [selection.logit(p.logprob, p.span_score) for p in proposals]
    best = max(range(len(logits)), key=lambda n: logits[n])
    return replace(proposals[best], expected_f1=expected_f1([p.text for p in proposals], logits, best))


def _rounded(*weights: float) -> SelectorWeights:
    return SelectorWeights(*(round(weight, 4) for weight in weights))


def _features(proposals: Sequence[ScoredProposal]) -> np.ndarray:
    return np.array([[p.logprob, p.span_score, p.negation_mismatch, p.expected_f1] for p in proposals])


def _right(proposals: Sequence[ScoredProposal]) -> np.ndarray:
    return np.array([p.f1 >= RIGHT for p in proposals])


def _regress(features: np.ndarray, right: np.ndarray) -> list[float]:
    """Return intercept and weights of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=REGULARIZATION).fit(features, right)
    return [float(fitted.intercept_[0]), *map(float, fitted.coef_[0])]


def curve_of(selected: list[tuple[ScoredProposal, float]]) -> list[CurvePoint]:
    """Return the curve point of each threshold. selected: as `select_all` returns it."""
    return [_point(selected, least) for least in THRESHOLDS]


def _point(selected: list[tuple[ScoredProposal, float]], least: float) -> CurvePoint:
    given = [proposal for proposal, probability in selected if probability >= least]
    answerable = [(p, probability >= least) for p, probability in selected if p.answerable]
    return CurvePoint(
        least,
        _mean(p.f1 * answered for p, answered in answerable),
        _mean(p.f1 >= RIGHT for p in given),
        _mean(probability < least for p, probability in selected if not p.answerable),
        _mean(answered for _, answered in answerable),
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return round(float(np.mean(listed)), 3) if listed else 0.0
