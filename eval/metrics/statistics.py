"""Intervals and tests over questions: paired where two generators answered the same ones, unpaired between two sets of questions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
SAMPLES = 10_000


@dataclass(frozen=True)
class Difference:
    """A difference of means with its 95 % interval over n questions."""

    difference: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}], n={self.n}"


def paired_bootstrap(a: list[float], b: list[float], samples: int = SAMPLES, seed: int = 0) -> Difference:
    """-> mean of b - a over the same questions, with its percentile interval (Efron & Tibshirani, An Introduction to the Bootstrap, 1993;
    paired over test items as Koehn, EMNLP 2004)."""
    return _bootstrapped([np.asarray(b, float) - np.asarray(a, float)], lambda means: means[0], samples, seed)


def bootstrap(values: list[float], samples: int = SAMPLES, seed: int = 0) -> Difference:
    """-> the mean of the values with its percentile interval."""
    return _bootstrapped([np.asarray(values, float)], lambda means: means[0], samples, seed)


def unpaired_bootstrap(a: list[float], b: list[float], samples: int = SAMPLES, seed: int = 0) -> Difference:
    """-> mean of b minus mean of a, two sets of other questions, each resampled on its own."""
    return _bootstrapped([np.asarray(a, float), np.asarray(b, float)], lambda means: means[1] - means[0], samples, seed)


def _bootstrapped(sets: list[np.ndarray], combine: Callable[[list], Any], samples: int, seed: int) -> Difference:
    n = sum(map(len, sets))
    if not all(map(len, sets)):
        return Difference(0.0, 0.0, 0.0, 0)
    rng = np.random.default_rng(seed)
    # In slices: 10,000 resamples of 10,000 questions at once would take 800 MB.
    step = max(1, 2_000_000 // max(map(len, sets)))
    means = [
        combine([v[rng.integers(0, len(v), (min(step, samples - at), len(v)))].mean(1) for v in sets])
        for at in range(0, samples, step)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Difference(*(round(float(x), 4) for x in (combine([v.mean() for v in sets]), low, high)), n)


def mcnemar(a: list[bool], b: list[bool]) -> float:
    """-> two-sided p of McNemar's exact test (Psychometrika 12, 1947; the exact form is the binomial test on the questions that only one got)."""
    only_a, only_b = (
        sum(x and not y for x, y in zip(a, b, strict=True)),
        sum(y and not x for x, y in zip(a, b, strict=True)),
    )
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / 2**n)


def wilson(count: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """-> the 95 % interval of a share, count of n (Wilson, Journal of the American Statistical Association 22, 1927); (0, 1) of none."""
    if not n:
        return 0.0, 1.0
    share, spread = count / n, z * math.sqrt(count * (n - count) / n + z * z / 4)
    middle, whole = n * share + z * z / 2, n + z * z
    return round((middle - spread) / whole, 4), round((middle + spread) / whole, 4)


def wins_ties_losses(a: list[float], b: list[float]) -> tuple[int, int, int]:
    """-> on how many questions b scores higher than a, the same, lower."""
    wins, losses = sum(y > x for x, y in zip(a, b, strict=True)), sum(y < x for x, y in zip(a, b, strict=True))
    return wins, len(a) - wins - losses, losses


def group_by(items: list[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return dict(sorted(groups.items()))


def mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def percentile(values: list[float], q: float) -> float:
    return round(float(np.percentile(values, q)), 3) if values else 0.0
