"""Simulated splits, of which the truth is known: how often the sequential test errs, and how many votes it needs."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

from eval.metrics.prediction import Figures
from rag.server.trial.sequential_test import ALPHA, decide, vote_differences

VOTES = 4_000  # at most in a simulated split
POWER = 0.8  # of the test of fixed size that is set beside
FIRST_LOOK = 20  # pairs, from which on the test of fixed size is looked at


@dataclass(frozen=True)
class Case:
    """Simulated votes. a, b: the share of thumbs up for each. share: of the votes that b gets.

    later: both shares at the end, where they change in a straight line; None where they stay.
    """

    a: float
    b: float
    share: float = 0.5
    later: tuple[float, float] | None = None


CASES = (
    *(Case(up, up) for up in (0.5, 0.7, 0.9)),
    Case(0.7, 0.7, 0.1),
    Case(0.9, 0.9, later=(0.5, 0.5)),
    *(Case(0.7, b) for b in (0.75, 0.8, 0.85, 0.9)),
    Case(0.7, 0.8, 0.2),
    Case(0.7, 0.8, 0.1),
    Case(0.7, 0.6),
)


def measure_splits(runs: int) -> Figures:
    """Return the figures of each case, over so many simulated splits of at most VOTES votes."""
    rng = np.random.default_rng(0)
    return {"alpha": ALPHA, "runs": runs, "votes": VOTES, "cases": [_case_figures(case, runs, rng) for case in CASES]}


def _case_figures(case: Case, runs: int, rng: np.random.Generator) -> Figures:
    ends = [_simulate(case, rng) for _ in range(runs)]
    better = [end.better for end in ends]
    votes = sorted(end.votes for end in ends if end.better)
    true = "b" if case.b > case.a else "a" if case.a > case.b else ""
    return {
        **asdict(case),
        "says_a": better.count("a") / runs,
        "says_b": better.count("b") / runs,
        "wrong": sum(each not in ("", true) for each in better) / runs,
        "wrong_if_looked_at": sum(end.looked_at not in ("", true) for end in ends) / runs,
        "median_votes": votes[runs // 2] if len(votes) > runs // 2 else None,  # of all runs
        "fixed_votes": _fixed_size(case) if true else None,
    }


@dataclass(frozen=True)
class _End:
    """How a split ended.

    better: by the sequential test. votes: until then, 0 where it is not decided. looked_at: by a z-test at every pair.
    """

    better: str
    votes: int
    looked_at: str


def _simulate(case: Case, rng: np.random.Generator) -> _End:
    in_b = rng.random(VOTES) < case.share
    time, last = np.linspace(0, 1, VOTES), case.later or (case.a, case.b)
    rates = [start + time * (end - start) for start, end in zip((case.a, case.b), last, strict=True)]
    up = rng.random(VOTES) < np.where(in_b, rates[1], rates[0])
    differences = vote_differences(zip(np.where(in_b, "b", "a").tolist(), up.tolist(), strict=True), case.share)
    better, pairs = decide(differences)
    return _End(better, round(pairs * VOTES / len(differences)), _looked_at(differences))


def _looked_at(differences: np.ndarray) -> str:
    """Return which one a z-test of the differences finds first that is looked at after every pair."""
    count = np.arange(1, len(differences) + 1)
    mean, square = np.cumsum(differences) / count, np.cumsum(differences**2) / count
    error = np.sqrt(np.maximum(square - mean**2, 1e-12) / count)
    significant = np.abs(mean / error) > NormalDist().inv_cdf(1 - ALPHA / 2)
    significant[:FIRST_LOOK] = False
    first = int(np.argmax(significant))
    return ("b" if mean[first] > 0 else "a") if significant[first] else ""


def _fixed_size(case: Case) -> int:
    """Return how many votes a z-test of a size fixed beforehand needs."""
    normal = NormalDist()
    distance = normal.inv_cdf(1 - ALPHA / 2) + normal.inv_cdf(POWER)
    variance = case.a * (1 - case.a) / (1 - case.share) + case.b * (1 - case.b) / case.share
    return math.ceil(distance**2 * variance / (case.b - case.a) ** 2)


def as_text(found: Figures) -> str:
    """Format the table of all cases."""
    head = f"{found['runs']} simulated splits a row, at most {found['votes']:,} votes; alpha {found['alpha']}"
    lines = [head, "| thumbs up: a | b | b's share | a better | b better | wrong | wrong, z-test at every look |"]
    lines[-1] += f" votes, median | of a fixed size, power {POWER} |"
    lines.append("| --- " * 9 + "|")
    for each in found["cases"]:
        later = [f" to {rate}" for rate in each["later"] or ()] or ["", ""]
        a, b = f"{each['a']}{later[0]}", f"{each['b']}{later[1]}"
        shares = " | ".join(f"{each[key]:.3f}" for key in ("says_a", "says_b", "wrong", "wrong_if_looked_at"))
        votes = " | ".join(f"{each[key]:,}" if each[key] else "–" for key in ("median_votes", "fixed_votes"))
        lines.append(f"| {a} | {b} | {each['share']} | {shares} | {votes} |")
    return "\n".join(lines)
