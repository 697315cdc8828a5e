import math

import pytest

from eval import metrics


def prediction(answerable=True, refused=False, f1=0.0, **more):
    base = {"answerable": answerable, "refused": refused, "f1": f1, "exact_match": float(f1 == 1), "citation_precision": 0.0}
    return {**base, "citation_recall": 0.0, "gold_logprobs": [], "seconds": 1.0, **more}


FAILED = {"id": "x", "answerable": True, "error": "RuntimeError: out of memory"}


def test_recall_and_reciprocal_rank_by_hand():
    ranks = [[1], [None], [2, 6], []]  # a question without evidence counts nowhere
    assert metrics.recall_at(ranks, 1) == pytest.approx(1 / 3, abs=1e-4)
    assert metrics.recall_at(ranks, 5) == pytest.approx((1 + 0 + 1 / 2) / 3, abs=1e-4)
    assert metrics.recall_at(ranks, 20) == pytest.approx(2 / 3, abs=1e-4)
    assert metrics.mean_reciprocal_rank(ranks) == pytest.approx((1 + 0 + 1 / 2) / 3, abs=1e-4)
    assert set(metrics.retrieval(ranks)) == {"recall@1", "recall@5", "recall@20", "mrr"}


def test_refusal_by_hand():
    rows = [prediction(False, True)] * 3 + [prediction(False, False)] * 1 + [prediction(True, True)] * 2 + [prediction(True, False)] * 4
    assert metrics.refusal(rows) == {"precision": 0.6, "recall": 0.75, "f1": 0.6667}


def test_refusal_without_any_refusal_or_any_reason_is_zero():
    zero = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert metrics.refusal([prediction(False, False)]) == metrics.refusal([prediction(True, True)]) == metrics.refusal([]) == zero


def test_answers_by_hand():
    rows = [
        prediction(True, False, 1.0, citation_precision=1.0, citation_recall=0.5, gold_logprobs=[-1.0, -2.0], seconds=1.0),
        prediction(True, False, 0.5, citation_precision=0.5, citation_recall=1.0, gold_logprobs=[-3.0], seconds=3.0),
        prediction(True, True, 0.0, seconds=2.0),
        prediction(False, False, 0.0, citation_precision=0.0, seconds=4.0),
    ]
    found = metrics.answers(rows)
    assert (found["n_answerable"], found["answered"], found["failures"]) == (3, 3, 0)
    assert (found["exact_match"], found["f1"]) == (0.3333, 0.5)
    assert (found["citation_precision"], found["citation_recall"]) == (0.5, 0.5)
    assert found["perplexity"] == pytest.approx(math.exp(2), abs=1e-3)
    assert found["latency_s"] == {"p50": 2.5, "p95": 3.85}


def test_failures_are_counted_apart_and_change_no_score():
    rows = [prediction(True, False, 1.0), prediction(False, True)]
    with_failures = metrics.answers([*rows, FAILED, FAILED])
    assert with_failures == {**metrics.answers(rows), "failures": 2}


def test_no_predictions_give_no_scores():
    found = metrics.answers([])
    assert found["perplexity"] is None and found["f1"] == 0.0


def test_utility():
    given = [prediction(True, False, 0.4), prediction(True, True), prediction(False, True), prediction(False, False)]
    assert [metrics.utility(p) for p in given] == [0.4, 0.0, 1.0, 0.0]


def test_bootstrap_of_equal_runs_is_nothing():
    assert metrics.paired_bootstrap([0.2, 0.7, 1.0], [0.2, 0.7, 1.0]) == (0.0, 0.0, 0.0)
    assert metrics.paired_bootstrap([], []) == (0.0, 0.0, 0.0)


def test_bootstrap_is_second_minus_first_and_the_same_each_time():
    a, b = [0.0] * 20, [1.0] * 15 + [0.0] * 5
    difference, low, high = metrics.paired_bootstrap(a, b)
    assert difference == 0.75 and 0.5 <= low < 0.75 < high <= 0.95
    assert metrics.paired_bootstrap(a, b) == (difference, low, high)
    assert metrics.paired_bootstrap(b, a)[0] == -0.75


def test_bootstrap_is_paired():
    a = [n / 50 for n in range(50)]
    difference, low, high = metrics.paired_bootstrap(a, [x + 0.1 for x in a])
    assert (difference, low, high) == pytest.approx((0.1, 0.1, 0.1))


def test_grouped_keeps_everything_in_sorted_groups():
    rows = [{"kind": "b", "n": 1}, {"kind": "a", "n": 2}, {"kind": "b", "n": 3}]
    assert metrics.grouped(rows, lambda p: p["kind"]) == {"a": [rows[1]], "b": [rows[0], rows[2]]}
