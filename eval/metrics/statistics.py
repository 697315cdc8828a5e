"""Intervals and tests over questions, by scipy and scikit-learn: the one home of paired tests.

Every interval is at 95 %. Bootstrap intervals are percentile intervals of resampled questions (Efron & Tibshirani, An
Introduction to the Bootstrap, 1993); where two generators answered the same questions they are paired (Koehn, EMNLP
2004).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats

T = TypeVar("T")
SAMPLES = 10_000  # resamples of an interval: its ends then move by less than 0.002 from one seed to another
BATCH_VALUES = 2_000_000  # values resampled at once: 16 MB, where 10,000 resamples of 10,000 questions would take 800


@dataclass(frozen=True)
class Difference:
    """A mean, or a difference of two, with its interval over n questions."""

    difference: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}], n={self.n}"


def paired_bootstrap(a: Sequence[float], b: Sequence[float], samples: int = SAMPLES, seed: int = 0) -> Difference:
    """Return the mean of b - a over the same questions, with its interval."""
    return bootstrap_statistic(_mean, [np.asarray(b, float) - np.asarray(a, float)], samples, seed)


def bootstrap(values: Sequence[float], samples: int = SAMPLES, seed: int = 0) -> Difference:
    """Return the mean of the values with its interval."""
    return bootstrap_statistic(_mean, [np.asarray(values, float)], samples, seed)


def unpaired_bootstrap(a: Sequence[float], b: Sequence[float], samples: int = SAMPLES, seed: int = 0) -> Difference:
    """Return the mean of b minus the mean of a, over two sets of different questions, each resampled on its own."""
    return bootstrap_statistic(_mean_difference, [np.asarray(a, float), np.asarray(b, float)], samples, seed)


def bootstrap_statistic(
    statistic: Callable[..., np.ndarray], groups: list[np.ndarray], samples: int = SAMPLES, seed: int = 0
) -> Difference:
    """Return a statistic of groups of questions with its interval, each group resampled on its own.

    statistic: called with the groups, shape (..., questions), and axis=-1. An empty group gives zeros and n = 0.
    """
    n = sum(len(group) for group in groups)
    if not all(len(group) for group in groups):
        return Difference(0.0, 0.0, 0.0, 0)
    value = float(statistic(*groups, axis=-1))
    # scipy asks for two values in a group; a single question resampled is itself.
    groups = [np.repeat(group, 2) if len(group) == 1 else group for group in groups]
    interval = stats.bootstrap(
        groups,
        statistic,
        n_resamples=samples,
        batch=max(1, BATCH_VALUES // max(len(group) for group in groups)),
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Difference(round(value, 4), round(float(interval.low), 4), round(float(interval.high), 4), n)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    return np.mean(values, axis=axis)


def _mean_difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
    return np.mean(b, axis=axis) - np.mean(a, axis=axis)


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> float:
    """Return the two-sided p-value of McNemar's exact test (Psychometrika 12, 1947).

    It is a binomial test on the questions that only one of the two got right; 1 where there are none.
    """
    only_a = sum(x and not y for x, y in zip(a, b, strict=True))
    only_b = sum(y and not x for x, y in zip(a, b, strict=True))
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def wilson(count: int, n: int) -> tuple[float, float]:
    """Return the interval of a proportion, count of n (Wilson, J. Am. Stat. Assoc. 22, 1927); (0, 1) where n is 0."""
    if not n:
        return 0.0, 1.0
    interval = stats.binomtest(count, n).proportion_ci(method="wilson")
    return round(float(interval.low), 4), round(float(interval.high), 4)


def cohen_kappa(a: Sequence[bool], b: Sequence[bool]) -> float:
    """Return the agreement of two raters beyond chance (Cohen, Educ. Psychol. Meas. 20, 1960): 1 perfect, 0 chance."""
    from sklearn.metrics import cohen_kappa_score  # a second to import, for one command

    if list(a) == list(b):
        return 1.0  # also where every label is the same, for which kappa is not defined
    return round(float(cohen_kappa_score(a, b)), 4)


def wins_ties_losses(a: Sequence[float], b: Sequence[float]) -> tuple[int, int, int]:
    """Return on how many questions b scores higher than a, the same as a, and lower."""
    wins = sum(y > x for x, y in zip(a, b, strict=True))
    losses = sum(y < x for x, y in zip(a, b, strict=True))
    return wins, len(a) - wins - losses, losses


def group_by(items: list[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    """Return the items in groups of the same key, sorted by key."""
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return dict(sorted(groups.items()))


def mean(values: Sequence[float]) -> float:
    """Return the mean to four decimals, 0 of nothing."""
    return round(sum(values) / len(values), 4) if values else 0.0


def percentile(values: Sequence[float], q: float) -> float:
    """Return a percentile, q in 0 to 100, to three decimals; 0 of nothing."""
    return round(float(np.percentile(values, q)), 3) if values else 0.0
