import numpy as np
import pytest

from eval.metrics.statistics import (
    Difference,
    bootstrap,
    cohen_kappa,
    group_by,
    mcnemar,
    mean,
    paired_bootstrap,
    percentile,
    unpaired_bootstrap,
    wilson,
    wins_ties_losses,
)

T, F = True, False


def test_bootstrap_of_equal_runs_is_nothing():
    assert paired_bootstrap([0.2, 0.7, 1.0], [0.2, 0.7, 1.0]) == Difference(0.0, 0.0, 0.0, 3)


def test_bootstrap_of_nothing_is_nothing():
    nothing = Difference(0.0, 0.0, 0.0, 0)
    assert (
        paired_bootstrap([], [])
        == bootstrap([])
        == unpaired_bootstrap([], [1.0])
        == unpaired_bootstrap([1.0], [])
        == nothing
    )


def test_bootstrap_is_second_minus_first_and_the_same_each_time():
    a, b = [0.0] * 20, [1.0] * 15 + [0.0] * 5
    found = paired_bootstrap(a, b)
    assert found.difference == 0.75 and 0.5 <= found.low < 0.75 < found.high <= 0.95 and found.n == 20
    assert paired_bootstrap(a, b) == found
    assert paired_bootstrap(b, a).difference == -0.75


def test_bootstrap_is_paired():
    a = [n / 50 for n in range(50)]
    found = paired_bootstrap(a, [x + 0.1 for x in a])
    assert (found.difference, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_unpaired_sets_of_questions_are_each_resampled_on_their_own():
    a = [n / 50 for n in range(50)]
    found = unpaired_bootstrap(a, [x + 0.1 for x in a])
    sd = (sum((x - mean(a)) ** 2 for x in a) / 50) ** 0.5
    half = 1.96 * sd * (2 / 50) ** 0.5  # of a difference of two means of 50
    assert found.difference == pytest.approx(0.1, abs=1e-4) and found.n == 100
    assert (found.low, found.high) == pytest.approx((0.1 - half, 0.1 + half), abs=0.01)


def test_unpaired_is_second_minus_first_whatever_their_sizes():
    assert unpaired_bootstrap([0.25] * 3, [1.0] * 9) == Difference(0.75, 0.75, 0.75, 12)


@pytest.mark.parametrize("n", [400, 3000])
def test_the_interval_of_many_yes_or_no_answers_is_that_of_the_normal_distribution(n):
    half = 1.96 * 0.5 / n**0.5
    found = bootstrap([0.0, 1.0] * (n // 2))
    assert (found.difference, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=0.004)


def test_a_single_question_has_an_interval_of_its_own_value():
    assert bootstrap([0.5]) == Difference(0.5, 0.5, 0.5, 1)
    assert unpaired_bootstrap([0.25], [1.0, 1.0]) == Difference(0.75, 0.75, 0.75, 3)


def test_a_million_questions_are_resampled_in_parts_and_nothing_else_changes(monkeypatch):
    values = (np.arange(2_000) % 7).tolist()
    whole = bootstrap(values, 50)
    monkeypatch.setattr("eval.metrics.statistics.BATCH_VALUES", 10_000)
    assert bootstrap(values, 50) == whole


def test_a_difference_is_printed_with_sign_interval_and_n():
    assert str(Difference(0.25, -0.01, 0.5, 7)) == "+0.250 [-0.010, +0.500], n=7"


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (1, 6, 2 * (1 + 7) / 2**7),  # 0.125
        (6, 1, 2 * (1 + 7) / 2**7),
        (0, 5, 2 * 1 / 2**5),
        (2, 10, 2 * (1 + 12 + 66) / 2**12),
        (0, 10, 2 * 1 / 2**10),
        (3, 3, 1.0),  # 2 * (1 + 6 + 15 + 20) / 2**6 is more than 1
        (0, 1, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_by_hand(only_a, only_b, p):
    a = [True] * only_a + [False] * only_b
    b = [False] * only_a + [True] * only_b
    assert mcnemar(a, b) == pytest.approx(p)
    assert mcnemar([*a, True, True, False], [*b, True, True, False]) == pytest.approx(
        p
    )  # what both got or neither got says nothing


def test_mcnemar_of_thousands_of_questions_is_a_number():
    assert mcnemar([True] * 2000 + [False] * 3000, [False] * 2000 + [True] * 3000) < 1e-30


def test_wilsons_interval_by_hand():
    assert wilson(0, 100) == (0.0, 0.037) and wilson(2, 100) == (0.0055, 0.07)
    assert wilson(5, 5) == (0.5655, 1.0) and wilson(0, 0) == (0.0, 1.0)


def test_kappa_by_hand():
    people, model = [T] * 4 + [F] * 6, [T] * 3 + [F] * 7
    by_chance = (4 * 3 + 6 * 7) / 100
    assert cohen_kappa(people, model) == pytest.approx((9 / 10 - by_chance) / (1 - by_chance), abs=1e-4)
    assert cohen_kappa([T, T, F, F], [T, F, T, F]) == 0.0  # half the same, half by chance
    assert cohen_kappa([T, F], [F, T]) == -1.0
    assert cohen_kappa(people, people) == cohen_kappa([T, T], [T, T]) == 1.0


def test_sides_of_other_lengths_are_refused():
    for compared in (mcnemar, wins_ties_losses):
        with pytest.raises(ValueError):
            compared([1.0, 0.0], [1.0])


def test_wins_ties_and_losses_are_the_seconds():
    assert wins_ties_losses([0.1, 0.5, 0.5, 0.9, 1.0], [0.2, 0.6, 0.5, 1.0, 0.0]) == (3, 1, 1)
    assert wins_ties_losses([], []) == (0, 0, 0)


def test_grouped_keeps_everything_in_sorted_groups():
    rows = [{"kind": "b", "n": 1}, {"kind": "a", "n": 2}, {"kind": "b", "n": 3}]
    found = group_by(rows, lambda p: p["kind"])
    assert list(found) == ["a", "b"] and found == {"a": [rows[1]], "b": [rows[0], rows[2]]}


def test_means_and_percentiles_by_hand():
    assert (mean([1.0, 2.0, 4.0]), mean([])) == (2.3333, 0.0)
    assert (percentile([4.0, 1.0, 3.0, 2.0], 50), percentile([1.0, 2.0, 3.0, 4.0], 95), percentile([], 95)) == (
        2.5,
        3.85,
        0.0,
    )
