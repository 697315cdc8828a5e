"""The sequential test: exact where that can be computed, seldom wrong, decided where there is a difference."""

import math
from fractions import Fraction

import numpy as np
import pytest

from rag.server.trial.sequential_test import ALPHA, BETS, judge, log_wealth, vote_differences


def votes(rng, share, a, b, count):
    arms = np.where(rng.random(count) < share, "b", "a")
    up = rng.random(count) < np.where(arms == "b", b, a)
    return list(zip(arms.tolist(), up.astype(float).tolist(), strict=True))


def test_the_wealth_is_that_of_a_plain_loop_and_a_fair_game():
    found = log_wealth(np.array([1.0, -1.0, 0.0, 1.0]))
    each = [math.prod(1 + bet * x for x in (1, -1, 0, 1)) for bet in BETS]
    assert found[-1] == pytest.approx(math.log(sum(each) / len(BETS)))
    paths = np.array(np.meshgrid(*[[-1.0, 1.0]] * 8)).reshape(8, -1).T
    assert np.exp(log_wealth(paths)).mean(0) == pytest.approx([1.0] * 8), "without a difference nobody gains"


def test_without_a_difference_the_wealth_of_all_paths_seldom_gets_there():
    """All 2^14 sequences of fair differences, each as likely as the other: exact, not drawn."""
    paths = 1.0 - 2 * ((np.arange(2**14)[:, None] >> np.arange(14)) & 1)
    reached = (log_wealth(paths).max(1) >= math.log(2 / ALPHA)).mean()
    assert 0 < Fraction(reached) <= Fraction(ALPHA / 2)


def test_votes_are_paired_in_order_and_by_share():
    told = [("a", 1.0), ("a", 0.0), ("b", 1.0), ("b", 1.0), ("b", 0.0), ("a", 0.0)]
    assert vote_differences(told, 0.5).tolist() == [0.0, 1.0, 0.0]
    told = [("a", 1.0), ("b", 1.0), ("b", 0.0), ("a", 0.0), ("a", 0.0), ("a", 1.0)]
    assert vote_differences(told, 1 / 3).tolist() == [0.5, -0.5]
    assert vote_differences([(arm.translate({97: 98, 98: 97}), up) for arm, up in told], 2 / 3).tolist() == [-0.5, 0.5]


def test_a_difference_is_found_in_the_right_direction_and_stays_decided():
    rng = np.random.default_rng(0)
    for a, b, better in ((0.5, 0.8, "b"), (0.8, 0.5, "a")):
        differences = vote_differences(votes(rng, 0.5, a, b, 600), 0.5)
        verdict = judge(differences)
        assert verdict.better == better and verdict.low < b - a < verdict.high
        assert verdict.low > 0 or verdict.high < 0
        assert judge(np.concatenate([differences, -differences])).better == better


def test_nothing_is_decided_without_votes_or_on_a_few():
    assert judge(np.array([])).better == "" and judge(np.array([1.0] * 3)).better == ""
    few = judge(np.array([1.0, 0.0, -1.0]))
    assert (few.pairs, few.better, few.difference) == (3, "", 0.0) and few.low < -0.5 and few.high > 0.5


def test_the_interval_has_the_true_difference_in_it_at_every_look():
    rng, missed = np.random.default_rng(1), 0
    for _ in range(40):
        differences = vote_differences(votes(rng, 0.25, 0.6, 0.7, 400), 0.25)
        looks = [judge(differences[:count]) for count in (5, 20, len(differences))]
        missed += any(not look.low <= 0.1 <= look.high for look in looks)
    assert missed <= 40 * ALPHA
