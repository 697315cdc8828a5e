"""A test that may be looked at after every vote: whether votes are better for one of two generators.

Votes are paired in the order in which they came, and a gambler bets on the differences. While there is none his wealth
is not expected to grow, so that it ever reaches 1 / alpha with a probability of at most alpha (Ville's inequality),
however often one looks and whenever one stops. With binary votes and equal shares this is the mixture sequential
probability ratio test of Johari, Pekelis and Walsh (2017; Operations Research 70(3), 2022, arXiv 1512.04922), exact
instead of in the limit; for other differences it is betting as of Waudby-Smith and Ramdas (JRSS B 86(1), 2024, arXiv
2010.09686).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

ALPHA = 0.05  # how likely a test of two equal generators, or of a worse one, ends with the wrong one being better
BETS = (np.arange(40) + 0.5) / 40  # shares of the wealth, one gambler each, since the best share is not known before
STEPS = np.linspace(-0.995, 0.995, 399)  # differences of which the interval says whether they are possible


@dataclass(frozen=True)
class Verdict:
    """What the votes show so far.

    pairs: how many differences there are. better: "a" or "b", "" while it is not decided; once decided it stays so.
    difference: the mean vote for b less that for a. low, high: between which it lies with a probability of 1 - alpha,
    at all looks together.
    """

    pairs: int
    better: str
    difference: float
    low: float
    high: float


def vote_differences(votes: Iterable[tuple[str, float]], share: float) -> np.ndarray:
    """Return the differences of the votes for b and a, (pairs,), each from -1 to 1, in order.

    votes: arm and vote from 0 to 1, in order. share: of the votes that b gets. Where one arm gets r times as many as
    the other, r of its votes are set against one.
    """
    ratio = max(1, round(max(share, 1 - share) / min(share, 1 - share)))
    sizes = {"a": ratio if share < 0.5 else 1, "b": ratio if share > 0.5 else 1}
    waiting: dict[str, list[float]] = {"a": [], "b": []}
    found = []
    for arm, vote in votes:
        waiting[arm].append(vote)
        if all(len(waiting[each]) >= size for each, size in sizes.items()):
            means = {each: sum(waiting[each][:size]) / size for each, size in sizes.items()}
            waiting = {each: waiting[each][size:] for each, size in sizes.items()}
            found.append(means["b"] - means["a"])
    return np.array(found)


def log_wealth(differences: np.ndarray) -> np.ndarray:
    """Return the logarithm of a gambler's wealth after each difference, who bets that they are above 0.

    differences: (..., n), of at least -1. Returns (..., n). He begins with 1, in equal parts for each of BETS.
    """
    wealth = np.full(differences.shape, -np.inf)
    for bet in BETS:
        wealth = np.logaddexp(wealth, np.cumsum(np.log1p(bet * differences), axis=-1))
    return wealth - np.log(len(BETS))


def judge(differences: np.ndarray, alpha: float = ALPHA) -> Verdict:
    """Return what the differences show. differences: (n,), of b less a, each from -1 to 1, in order."""
    if not len(differences):
        return Verdict(0, "", 0.0, -1.0, 1.0)
    better, _ = decide(differences, alpha)
    low, high = _lowest_mean(differences, alpha), -_lowest_mean(-differences, alpha)
    return Verdict(len(differences), better, float(differences.mean()), low, high)


def decide(differences: np.ndarray, alpha: float = ALPHA) -> tuple[str, int]:
    """Return which one is better, "a" or "b", and after how many differences that was decided; ("", 0) if it is not."""
    rich = {"b": _is_rich(log_wealth(differences), alpha), "a": _is_rich(log_wealth(-differences), alpha)}
    first = [(int(np.argmax(each)) + 1, arm) for arm, each in rich.items() if each.any()]
    pairs, better = min(first, default=(0, ""))
    return better, pairs


def _is_rich(log_wealths: np.ndarray, alpha: float) -> np.ndarray:
    """Tell where a gambler has shown something; there are two, one who bets on a and one on b."""
    return log_wealths >= np.log(2 / alpha)


def _lowest_mean(differences: np.ndarray, alpha: float) -> float:
    """Return the lowest mean that is possible: against each lower one, a gambler has got rich."""
    values, counts = np.unique(differences, return_counts=True)
    scaled = (values - STEPS[:, None]) / (1 + STEPS[:, None])
    grown = np.log1p(BETS[:, None, None] * scaled) @ counts  # (bets, steps)
    excluded = _is_rich(np.logaddexp.reduce(grown) - np.log(len(BETS)), alpha)
    return float(STEPS[excluded].max()) if excluded.any() else -1.0
