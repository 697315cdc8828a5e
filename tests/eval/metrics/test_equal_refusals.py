import numpy as np
import pytest

from eval.metrics.equal_refusals import SHARES, at_share, best_spans, compare_at_equal_refusals
from rag.generation.prompt import REFUSAL
from rows import ANSWER, scored


def answer(probability, right=True, passage=1, **more):
    """Return a prediction at threshold 0.2, about a question that crane.md answers."""
    text = ANSWER if right else "a mole"
    return _span(text, (ANSWER,), probability, passage, **more)


def no_answer(probability, **more):
    return _span("a mole", (), probability, 1, **more)


def _span(text, answers, probability, passage, **more):
    refused, output = probability < 0.2, f"{text} [{passage}]"
    cited = {"cited": [{"passage": passage, "document": "x", "start": 0, "end": 1}]} if not refused else {}
    confidence = round(1 - probability, 4) if refused else probability
    row = {"output": output, "confidence": confidence, "extractive": True, **cited, **more}
    return scored(REFUSAL if refused else text, answers, **row)


def test_the_best_span_is_known_also_where_it_was_refused():
    spans = best_spans([answer(0.9), answer(0.1), answer(0.1, right=False, passage=2), no_answer(0.3)])
    assert spans.answerable.tolist() == [True, True, True, False]
    assert spans.probability.tolist() == pytest.approx([0.9, 0.1, 0.1, 0.3])
    assert spans.f1.tolist() == [1.0, 1.0, 0.0, 0.0]
    assert spans.cites.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_generated_answers_have_no_threshold_to_move():
    assert best_spans([answer(0.9), answer(0.9, extractive=False)]) is None
    assert best_spans([{**answer(0.9), "confidence": None}]) is None
    assert compare_at_equal_refusals([answer(0.9, extractive=False)], [answer(0.9)]) == []


def test_a_share_of_the_unanswerable_questions_is_refused_by_hand():
    rows = [answer(p) for p in (0.1, 0.5, 0.9)] + [no_answer(p) for p in (0.05, 0.3, 0.4, 0.8)]
    spans = best_spans(rows)
    for share, f1 in ((0.0, 1.0), (0.25, 1.0), (0.5, 2 / 3), (0.75, 2 / 3), (1.0, 1 / 3)):
        found = at_share(spans, np.arange(3), np.arange(3, 7), share)
        assert (found["refused"], found["f1"], found["answered"]) == pytest.approx((share, f1, f1)), share
        assert found["right_citations"] == 1.0


def test_equal_probabilities_are_refused_together():
    spans = best_spans([answer(0.5), answer(0.9), *[no_answer(0.5)] * 3, no_answer(0.8)])
    found = at_share(spans, np.arange(2), np.arange(2, 6), 0.5)
    assert (found["refused"], found["f1"]) == (0.75, 0.5)


def test_at_its_own_share_a_generator_is_at_least_as_good_as_at_its_own_threshold():
    rows = [answer(n / 20) for n in range(20)] + [no_answer(n / 14 + 0.001) for n in range(7)]
    shown = np.mean([not row["refused"] for row in rows[:20]])
    point = compare_at_equal_refusals(rows, rows)[0]
    assert point["a"]["refused"] == round(3 / 7, 4) == point["share"] and point["a"]["f1"] >= shown


def test_questions_without_any_span_are_always_refused():
    spans = best_spans([answer(0.4), _span(REFUSAL, (ANSWER,), 0.0, 1), no_answer(0.0), no_answer(0.5)])
    found = at_share(spans, np.arange(2), np.arange(2, 4), 0.0)
    assert (found["refused"], found["f1"], found["answered"]) == (0.5, 0.5, 0.5)


def test_a_generator_of_lower_confidence_is_as_good_at_equal_refusals():
    """At one threshold the second seems to answer less and refuse more; it only has other numbers."""
    sure = [answer(0.3 + n / 100, right=n % 2 == 0) for n in range(30)] + [no_answer(0.105 + n / 50) for n in range(20)]
    shy = [answer(0.03 + n / 1000, right=n % 2 == 0) for n in range(30)] + [
        no_answer(0.0105 + n / 500) for n in range(20)
    ]
    for row in compare_at_equal_refusals(sure, shy):
        assert row["a"] == row["b"] and row["differences"]["f1"]["difference"] == 0.0
        assert row["differences"]["f1"]["low"] <= 0.0 <= row["differences"]["f1"]["high"]


def test_the_shares_are_that_of_the_baseline_and_two_fixed_ones():
    a = [answer(0.9), answer(0.4), no_answer(0.1), no_answer(0.3), no_answer(0.4)]
    b = [answer(0.9), answer(0.8), no_answer(0.1), no_answer(0.3), no_answer(0.4)]
    found = compare_at_equal_refusals(a, b)
    assert [row["share"] for row in found] == [0.3333, *SHARES]
    assert (found[1]["a"]["f1"], found[1]["b"]["f1"]) == (1.0, 1.0)
    assert (found[0]["n_answerable"], found[0]["n_unanswerable"]) == (2, 3)


def test_better_spans_are_better_at_every_share():
    a = [answer(0.5, right=n % 4 == 0) for n in range(40)] + [no_answer(n / 20) for n in range(20)]
    b = [answer(0.95, right=n % 4 != 3) for n in range(40)] + [no_answer(n / 20) for n in range(20)]
    for row in compare_at_equal_refusals(a, b):
        assert row["differences"]["f1"]["low"] > 0 and row["b"]["f1"] == 0.75


def test_only_answerable_or_only_unanswerable_questions_have_no_such_comparison():
    assert compare_at_equal_refusals([answer(0.5)], [answer(0.5)]) == []
    assert compare_at_equal_refusals([no_answer(0.5)], [no_answer(0.5)]) == []
