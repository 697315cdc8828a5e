import math

import pytest

from eval.metrics import aggregate, calibration, ranking
from rag.generation.prompt import REFUSAL
from rows import failed, scored

RANKS = [[1], [None], [2, 6], []]  # a question without evidence counts nowhere
ZERO = {
    "exact_match": 0.0, "f1": 0.0, "contains": 0.0, "squad2_f1": 0.0, "right": False, "citation_precision": None,
    "citation_recall": None, "literal_quotes": None, "grounded": None, "relevance": None, "hallucinated": False,
}  # fmt: skip


def row(answerable=True, refused=False, confidence=0.5, **measures):
    more = {name: measures.pop(name) for name in ("gold_logprobs", "tokens") if name in measures}
    return {
        "answers": ["x"] if answerable else [],
        "refused": refused,
        "confidence": confidence,
        **more,
        "measures": {**ZERO, **measures},
    }


def test_recall_and_reciprocal_rank_by_hand():
    assert ranking.recall_at(RANKS, 1) == pytest.approx(1 / 3, abs=1e-4)
    assert ranking.recall_at(RANKS, 5) == pytest.approx((1 + 0 + 1 / 2) / 3, abs=1e-4)
    assert ranking.recall_at(RANKS, 6) == ranking.recall_at(RANKS, 20) == pytest.approx(2 / 3, abs=1e-4)
    assert ranking.mean_reciprocal_rank(RANKS) == pytest.approx((1 + 0 + 1 / 2) / 3, abs=1e-4)
    assert ranking.mean_reciprocal_rank([[None, 4]]) == 0.25
    assert set(ranking.ranking_measures(RANKS)) == {"recall@1", "recall@5", "recall@20", "mrr", "ndcg@10"}


@pytest.mark.parametrize(
    ("pieces", "k", "gain", "ideal"),
    [
        ([1], 10, 1, 1),
        ([3], 10, 1 / math.log2(4), 1),
        ([2, 6], 10, 1 / math.log2(3) + 1 / math.log2(7), 1 + 1 / math.log2(3)),
        ([2, 1], 10, 1 + 1 / math.log2(3), 1 + 1 / math.log2(3)),
        ([1, None], 10, 1, 1 + 1 / math.log2(3)),
        ([1, 11], 10, 1, 1 + 1 / math.log2(3)),  # found, but below the first ten
        ([None], 10, 0, 1),
        ([11], 10, 0, 1),
        ([3, 3], 10, 1 / math.log2(4), 1),  # both pieces stand in one passage, which counts once
        ([1, 2], 1, 1, 1),  # no ranking holds two passages in one place
    ],
)
def test_ndcg_by_hand(pieces, k, gain, ideal):
    assert ranking.ndcg_at([pieces], k) == pytest.approx(gain / ideal, abs=1e-4)


def test_ndcg_is_a_mean_over_questions_with_evidence():
    assert ranking.ndcg_at([[1], [None], [], [3]], 10) == 0.5
    assert ranking.ndcg_at([], 10) == ranking.recall_at([[]], 5) == 0.0


ROWS = [
    row(True, False, 0.9, exact_match=1.0, f1=1.0, contains=1.0, squad2_f1=1.0, right=True, citation_precision=1.0,
        citation_recall=0.5, literal_quotes=1.0, grounded=1.0, relevance=0.8, gold_logprobs=[-1.0, -2.0],
        tokens={"read": 100, "written": 2}),
    row(True, False, 0.7, f1=0.5, contains=1.0, squad2_f1=0.5, right=True, citation_precision=0.5, citation_recall=1.0,
        grounded=0.5, relevance=0.4, hallucinated=True, gold_logprobs=[-3.0], tokens={"read": 300, "written": 4}),
    row(True, True, 0.99, citation_recall=0.0),
    row(False, False, 0.8, citation_precision=0.0, literal_quotes=0.5, grounded=0.0, relevance=0.0, hallucinated=True),
    row(False, True, 0.99, squad2_f1=1.0, right=True),
]  # fmt: skip


def test_answers_by_hand():
    assert aggregate.summarize_answers(ROWS) == {
        "n": 5, "n_answerable": 3, "answered": 3, "failures": 0,
        "exact_match": 0.3333, "f1": 0.5, "contains": 0.6667,  # 1/3, 1.5/3 and 2/3, of the answerable
        "squad2_f1": 0.5,  # (1 + 0.5 + 0 + 0 + 1) / 5
        "right_citations": 0.75,  # (1 + 0.5) / 2, of the answers given to answerable questions
        "citation_precision": 0.5,  # (1 + 0.5 + 0) / 3, of the answers given
        "citation_recall": 0.5,  # (0.5 + 1 + 0) / 3, of the answerable
        "literal_quotes": 0.75, "groundedness": 0.5, "relevance": 0.4,
        "refusal": {"precision": 0.5, "recall": 0.5, "f1": 0.5},
        "hallucination_rate": 0.4,  # 2 of 5
        "ece": 0.4,  # (|0.9 - 1| + |0.7 - 1| + |0.8 - 0|) / 3: a refusal's confidence counts nowhere
        "coverage_area": 0.5533,  # 0.4 * 1/2 + 0.2 * 2/3 + 0.2 * 2/4 + 0.2 * 3/5: refusals are decisions too
        "perplexity": 7.389,  # exp((1 + 2 + 3) / 3)
        "tokens": {"read": 200.0, "written": 3.0},
    }  # fmt: skip


def test_the_calibration_is_of_answers_and_the_coverage_of_all_decisions():
    assert aggregate.confidence_curves(ROWS)["coverage"] == [(0.4, 0.5), (0.6, 0.6667), (0.8, 0.5), (1.0, 0.6)]
    assert [b["n"] for b in aggregate.confidence_curves(ROWS)["calibration"]] == [1, 1, 1]


def test_failures_are_counted_apart_and_change_no_score():
    assert aggregate.summarize_answers([*ROWS, failed(), failed()]) == {
        **aggregate.summarize_answers(ROWS),
        "failures": 2,
    }
    assert aggregate.confidence_curves([*ROWS, failed()]) == aggregate.confidence_curves(ROWS)


def test_no_predictions_give_no_scores():
    found = aggregate.summarize_answers([])
    assert (found["n"], found["f1"]) == (0, 0.0)
    assert all(
        found[name] is None
        for name in ("perplexity", "ece", "citation_precision", "groundedness", "relevance", "literal_quotes")
    )


def test_a_measure_that_no_answer_has_is_none_and_not_zero():
    assert aggregate.summarize_answers([row(f1=1.0)])["citation_precision"] is None
    assert aggregate.summarize_answers([{**row(f1=1.0), "confidence": None}])["ece"] is None


def test_refusal_by_hand():
    rows = [row(False, True)] * 3 + [row(False, False)] * 1 + [row(True, True)] * 2 + [row(True, False)] * 4
    assert aggregate.refusal_scores(rows) == {"precision": 0.6, "recall": 0.75, "f1": 0.6667}


def test_refusal_without_any_refusal_or_any_reason_is_zero():
    zero = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert (
        aggregate.refusal_scores([row(False, False)])
        == aggregate.refusal_scores([row(True, True)])
        == aggregate.refusal_scores([])
        == zero
    )


def test_a_model_that_always_refuses_has_the_share_of_unanswerable_questions_as_its_f1_over_all():
    rows = [scored(REFUSAL), scored(REFUSAL), scored(REFUSAL), scored(REFUSAL, ())]
    found = aggregate.summarize_answers(rows)
    assert (
        found["squad2_f1"],
        found["f1"],
        found["answered"],
        found["coverage_area"],
        found["hallucination_rate"],
    ) == (0.25, 0.0, 0, 0.25, 0.0)


def test_calibration_bins_by_hand():
    answers = [(0.05, False), (0.09, True), (0.1, True), (0.95, True), (1.0, True), (0.5, False)]
    assert [(b["low"], b["n"], b["confidence"], b["accuracy"]) for b in calibration.confidence_bins(answers)] == [
        (0.0, 2, 0.07, 0.5), (0.1, 1, 0.1, 1.0), (0.5, 1, 0.5, 0.0), (0.9, 2, 0.975, 1.0),
    ]  # fmt: skip
    assert calibration.expected_calibration_error(answers) == pytest.approx(
        (2 * 0.43 + 1 * 0.9 + 1 * 0.5 + 2 * 0.025) / 6, abs=1e-4
    )
    assert calibration.expected_calibration_error([]) is None


def test_every_confidence_falls_in_one_bin():
    answers = [(n / 1000, True) for n in range(1001)]
    assert sum(b["n"] for b in calibration.confidence_bins(answers)) == 1001


def test_a_model_as_right_as_it_is_sure_has_no_calibration_error():
    assert calibration.expected_calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == 0.0


def test_coverage_gives_answers_of_one_confidence_together():
    wanted = [(0.5, 0.5), (0.75, 0.6667)]
    assert calibration.coverage_curve([(0.9, True), (0.5, True), (0.9, False)], 4) == wanted
    assert calibration.coverage_curve([(0.9, False), (0.9, True), (0.5, True)], 4) == wanted
    assert calibration.coverage_area(wanted) == pytest.approx(0.5 * 0.5 + 0.25 * 0.6667, abs=1e-4)


@pytest.mark.parametrize(
    ("answers", "asked", "area"),
    [
        ([(0.9, True), (0.8, True)], 2, 1.0),
        ([(0.9, True), (0.8, True)], 4, 0.5),  # the other two were refused
        ([(0.9, False)], 1, 0.0),
        ([], 3, 0.0),
        ([(0.9, True), (0.1, False)], 2, 0.5 * 1 + 0.5 * 0.5),
        ([(0.1, True), (0.9, False)], 2, 0.5 * 0 + 0.5 * 0.5),  # sure of the wrong one
    ],
)
def test_coverage_area_rewards_answering_and_being_sure_of_what_is_right(answers, asked, area):
    assert calibration.coverage_area(calibration.coverage_curve(answers, asked)) == pytest.approx(area)
