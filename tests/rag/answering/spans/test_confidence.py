import random

import pytest

from rag.answering.spans.confidence import Recalibration, fit_recalibration, read_recalibration
from rag.core.errors import DataError


def overconfident(count, seed=0):
    """Probabilities p whose spans are right with probability p squared."""
    rng = random.Random(seed)
    probabilities = [rng.uniform(0.05, 0.95) for _ in range(count)]
    return probabilities, [rng.random() < p * p for p in probabilities]


def error(probabilities, right):
    """Difference of mean confidence and share of right answers, in fifths of the confidence."""
    pairs = sorted(zip(probabilities, right, strict=True))
    size = len(pairs) // 5
    groups = [pairs[at : at + size] for at in range(0, 5 * size, size)]
    return sum(abs(sum(p for p, _ in g) - sum(r for _, r in g)) for g in groups) / (5 * size)


def test_a_fitted_recalibration_is_calibrated_on_other_questions():
    fitted = fit_recalibration(*overconfident(2000))
    probabilities, right = overconfident(2000, seed=1)
    assert error(probabilities, right) > 0.1
    assert error([fitted.apply(p) for p in probabilities], right) < 0.04


def test_it_keeps_the_order_and_the_range():
    fitted = fit_recalibration(*overconfident(200))
    after = [fitted.apply(p) for p in (0.0, 0.1, 0.5, 0.9, 1.0)]
    assert after == sorted(after) and after[0] >= 0 and after[-1] <= 1


def test_few_questions_change_little_and_none_change_nothing():
    few = fit_recalibration([0.9, 0.8], [False, False])
    assert 0.3 < few.apply(0.9) < 0.9
    assert fit_recalibration([], []).apply(0.37) == 0.37


def test_right_probabilities_stay_about_as_they_are():
    rng = random.Random(3)
    probabilities = [rng.uniform(0.05, 0.95) for _ in range(2000)]
    fitted = fit_recalibration(probabilities, [rng.random() < p for p in probabilities])
    assert all(abs(fitted.apply(p) - p) < 0.04 for p in (0.1, 0.3, 0.5, 0.7, 0.9))


def test_it_is_kept_beside_an_adapter(tmp_path):
    assert read_recalibration(tmp_path) == Recalibration()
    Recalibration(0.8, -0.3, 40).save(tmp_path)
    assert read_recalibration(tmp_path) == Recalibration(0.8, -0.3, 40)
    (tmp_path / "confidence.json").write_text('{"slope": 1}')
    with pytest.raises(DataError, match="confidence.json cannot be read"):
        read_recalibration(tmp_path)
