"""The table of mined_vs_human: F1 and refusal F1 of mined and human rows, with intervals over the questions.

Generators put their thresholds of refusal in different places, so that they are compared by several rules of refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from finetune.experiments.held_out_questions import Prediction

RATES = (0.5, 0.7, 0.85)  # shares of the unanswerable questions that are refused, at which generators are compared
SAMPLES = 1000  # of the bootstrap
LEAST_DIVISOR = 1e-9


@dataclass(frozen=True)
class Predictions:
    """The predictions of several trainings on rows of one kind, in arrays.

    answerable: (questions,). The others are (trainings, questions), as in `Prediction`.
    """

    answerable: np.ndarray
    f1: np.ndarray
    refusal_margin: np.ndarray
    served_f1: np.ndarray
    confidence: np.ndarray

    def select(self, questions: np.ndarray) -> Predictions:
        """Return the predictions for these questions, given by position, in this order."""
        parts = (self.f1, self.refusal_margin, self.served_f1, self.confidence)
        return Predictions(self.answerable[questions], *(part[:, questions] for part in parts))


Measure = Callable[[Predictions], float]


def stack_predictions(trainings: Sequence[Sequence[Prediction]]) -> Predictions:
    """Join the predictions of several trainings, which have the same questions in the same order."""
    names = ("f1", "refusal_margin", "served_f1", "confidence")
    parts = (np.array([[getattr(p, name) for p in training] for training in trainings]) for name in names)
    return Predictions(np.array([prediction.answerable for prediction in trainings[0]]), *parts)


def measures(least: float) -> dict[str, Measure]:
    """Return the measures of the table, each a mean over all trainings. least: the setting answer.least."""
    alone = {
        "generator alone: F1 of the likeliest span": _f1_without_refusals,
        "generator alone: F1 by its own decision to refuse": _f1_by_own_decision,
        "generator alone: refusal F1 by its own decision": _refusal_f1_by_own_decision,
    }
    for rate in RATES:
        where = f"where {rate} of the unanswerable are refused"
        alone[f"generator alone: F1 {where}"] = partial(_f1_at_rate, rate=rate)
        alone[f"generator alone: refusal F1 {where}"] = partial(_refusal_f1_at_rate, rate=rate)
    served: dict[str, Measure] = {
        f"served: F1 at {least}": partial(_served_f1_at, least=least),
        f"served: refusal F1 at {least}": partial(_served_refusal_f1_at, least=least),
    }
    for rate in RATES:
        where = f"where {rate} of the unanswerable are refused"
        served[f"served: F1 {where}"] = partial(_served_f1_at_rate, rate=rate)
    return {**alone, **served}


def _f1_without_refusals(p: Predictions) -> float:
    return mean_f1(p, p.f1, np.zeros(p.f1.shape, bool))


def _f1_by_own_decision(p: Predictions) -> float:
    return mean_f1(p, p.f1, p.refusal_margin >= 0)


def _refusal_f1_by_own_decision(p: Predictions) -> float:
    return refusal_f1(p, p.refusal_margin >= 0)


def _f1_at_rate(p: Predictions, rate: float) -> float:
    return mean_f1(p, p.f1, refusals_at_rate(p, p.refusal_margin, rate))


def _refusal_f1_at_rate(p: Predictions, rate: float) -> float:
    return refusal_f1(p, refusals_at_rate(p, p.refusal_margin, rate))


def _served_f1_at(p: Predictions, least: float) -> float:
    return mean_f1(p, p.served_f1, p.confidence < least)


def _served_refusal_f1_at(p: Predictions, least: float) -> float:
    return refusal_f1(p, p.confidence < least)


def _served_f1_at_rate(p: Predictions, rate: float) -> float:
    return mean_f1(p, p.served_f1, refusals_at_rate(p, -p.confidence, rate))


def mean_f1(predictions: Predictions, f1: np.ndarray, refused: np.ndarray) -> float:
    """Return the mean F1 over the answerable questions, where a refusal scores 0.

    f1, refused: (trainings, questions).
    """
    return float((f1 * ~refused)[:, predictions.answerable].mean())


def refusal_f1(predictions: Predictions, refused: np.ndarray) -> float:
    """Return the mean over trainings of the refusals' F1: the harmonic mean of precision and recall."""
    right = (refused & ~predictions.answerable).sum(1)
    unanswerable = (~predictions.answerable).sum()
    return float((2 * right / (refused.sum(1) + unanswerable)).mean())


def refusals_at_rate(predictions: Predictions, doubt: np.ndarray, rate: float) -> np.ndarray:
    """Return what each training refuses when this share of the unanswerable questions is to be refused.

    doubt: (trainings, questions), larger where a refusal is due. Returns the same shape.
    """
    unanswerable = doubt[:, ~predictions.answerable]
    least = np.quantile(unanswerable, 1 - rate, axis=1, keepdims=True, method="higher")
    refused: np.ndarray = doubt >= least
    return refused


def compare(mined: Predictions, people: Predictions, base: Predictions, least: float) -> list[dict[str, Any]]:
    """Return a row for each measure, with the share of people's F1 that mined rows reach, and their gain over the base.

    Both come with a 95 % interval over the questions: a bootstrap of the answerable and of the unanswerable questions
    each (Efron, 1979); trainings are averaged.
    """
    rng = np.random.default_rng(0)
    kinds = [np.flatnonzero(people.answerable == kind) for kind in (True, False)]
    all_measures = measures(least)
    every = (mined, people, base)
    values = np.array([[measure(p) for p in every] for measure in all_measures.values()])
    samples = np.zeros((SAMPLES, *values.shape))
    for sample in samples:
        questions = np.concatenate([rng.choice(kind, len(kind)) for kind in kinds])
        selected = [p.select(questions) for p in every]
        sample[:] = [[measure(p) for p in selected] for measure in all_measures.values()]
    return [_row(name, values[n], samples[:, n]) for n, name in enumerate(all_measures)]


def _row(measure: str, values: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    """Return a row. values: of mined, people and base. samples: (SAMPLES, 3), the same on each bootstrap sample."""
    mined, people, base = values
    shares, gains = samples[:, 0] / np.maximum(samples[:, 1], LEAST_DIVISOR), samples[:, 0] - samples[:, 2]
    share = (mined / max(people, LEAST_DIVISOR), *np.quantile(shares, (0.025, 0.975)))
    gain = (mined - base, *np.quantile(gains, (0.025, 0.975)))
    return {
        "measure": measure,
        **{name: round(float(value), 3) for name, value in zip(("mined", "people", "base"), values, strict=True)},
        "share": [round(float(x), 3) for x in share],
        "above base": [round(float(x), 3) for x in gain],
    }


def as_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a table for people."""
    width = max(len(row["measure"]) for row in rows)
    lines = [f"{'':{width}}  mined  people base   share of people's      mined above base"]
    for row in rows:
        (share, low, high), (gain, least, most) = row["share"], row["above base"]
        lines.append(
            f"{row['measure']:{width}}  {row['mined']:.3f}  {row['people']:.3f}  {row['base']:.3f}  "
            f"{share:4.0%} [{low:.0%}, {high:.0%}]    {gain:+.3f} [{least:+.3f}, {most:+.3f}]"
        )
    return "\n".join(lines)
