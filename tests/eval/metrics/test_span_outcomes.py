import pytest

from eval.metrics.span_outcomes import SpanOutcome, right_refusals, span_outcome, threshold_for

OUTCOMES = [
    SpanOutcome(0.9, 1.0, True),
    SpanOutcome(0.3, 0.5, True),
    SpanOutcome(0.6, 0.0, False),
    SpanOutcome(0.2, 0.0, False),
    SpanOutcome(0.1, 0.0, False),
]


def row(refused, confidence, answers):
    return {"refused": refused, "confidence": confidence, "output": "40 tonnes [1]", "answers": answers}


def test_a_refused_span_is_read_from_the_output():
    assert span_outcome(row(False, 0.8, ["40 tonnes"])) == SpanOutcome(0.8, 1.0, True)
    assert span_outcome(row(True, 0.9, ["the 40 tonnes", "x"])) == SpanOutcome(pytest.approx(0.1), 1.0, True)
    assert span_outcome(row(True, 0.9, [])) == SpanOutcome(pytest.approx(0.1), 0.0, False)


def test_f1_over_all_questions_counts_right_refusals():
    assert [outcome.squad2_f1(0.5) for outcome in OUTCOMES] == [1.0, 0.0, 0.0, 1.0, 1.0]
    assert [outcome.squad2_f1(0.0) for outcome in OUTCOMES] == [1.0, 0.5, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(("share", "refused"), [(0.0, 0.0), (0.3, 1 / 3), (1 / 3, 1 / 3), (0.5, 2 / 3), (1.0, 1.0)])
def test_a_threshold_refuses_at_least_the_share_and_no_more_than_needed(share, refused):
    assert right_refusals(OUTCOMES, threshold_for(OUTCOMES, share)) == pytest.approx(refused)


def test_without_unanswerable_questions_nothing_has_to_be_refused():
    assert right_refusals(OUTCOMES[:2], 0.5) == 0.0 and threshold_for(OUTCOMES[:2], 0.7) == 0.0
