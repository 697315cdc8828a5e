"""What the span scorer is measured by, on texts of which the scores are known."""

import pytest

from finetune.shipped.span_examples import SpanExample
from finetune.shipped.span_measures import measure_span_scorer
from rag.models.span_scorer import SpanScorer, SpanScores

OWN, OTHER = "It lifts 40 tonnes.", "Sheep 5 graze."
TONNES, NUMBER = (OWN.index("40"), OWN.index(".")), (OWN.index("40"), OWN.index("40") + 2)


class Digits(SpanScorer):
    """Finds the answer in the digits of a text, the more surely the more digits there are."""

    def __init__(self):
        pass

    def score(self, question, texts):
        return [self._scores(text) for text in texts]

    def _scores(self, text):
        digits = [n for n, character in enumerate(text) if character.isdigit()]
        starts, ends = (
            [float(len(digits)) if n == at else -1.0 for n in range(len(text))] for at in (digits[0], digits[-1])
        )
        return SpanScores([(n, n + 1) for n in range(len(text))], starts, ends)


def test_measures_by_hand():
    examples = [
        SpanExample("How much?", (OWN, OTHER), TONNES),
        SpanExample("Which number?", (OTHER, OWN), (OTHER.index("5"), OTHER.index("5") + 1)),
        SpanExample("Who?", (OTHER,), None),
        SpanExample("Where?", (OWN,), None),
    ]
    found = measure_span_scorer(Digits(), examples)
    assert found.f1 == pytest.approx((2 / 3 + 0) / 2), "the digits of 40 tonnes; 40 in place of 5"
    assert (found.questions, found.own_first, found.auc) == (4, 0.5, 0.5), "two digits beat one, and tie with two"


def test_without_questions_of_both_kinds_there_is_no_auc():
    answered, unanswered = SpanExample("How much?", (OWN,), NUMBER), SpanExample("Who?", (OTHER,), None)
    assert measure_span_scorer(Digits(), [answered]).as_dict() == {
        "questions": 1,
        "f1": 1.0,
        "auc": None,
        "own_first": 1.0,
    }
    assert measure_span_scorer(Digits(), [unanswered]).as_dict()["auc"] is None
