"""The selection among spans, worked by hand."""

import math

import pytest

from fakes import NeutralScorer, passage
from rag.answering.answer import extractive_answer
from rag.answering.spans.span_selector import (
    LARGE,
    SHIPPED,
    FittedWeights,
    SelectorWeights,
    SpanSelector,
    expected_f1,
    read_base_recalibration,
    read_weights,
    sigmoid,
)
from rag.core.errors import ModelError
from rag.generation.prompt import REFUSAL
from rag.generation.span_search import Span
from rag.generation.span_tree import SpanPlace
from rag.models.span_scorer import SpanScores

TEXT = "The crane lifts 40 tonnes. It closes  at 17:00."
SHOWN = [passage("The office opens at 08:30.", "office.md", 50), passage(TEXT, "crane.md", 100, ("Crane", "Limits"))]


UNSCORED = [SpanScores([], [], [])] * 2
HALF = SelectorWeights(0.0, 0.0, 0.0)


def span(passage: int, text: str, logprob: float) -> Span:
    whole = SHOWN[passage - 1].chunk.text
    start = whole.index(text)
    sentence = next((a, b) for a, b in ((0, 26), (27, len(whole))) if a <= start < b)
    return Span((1, 2), (SpanPlace(passage, start, start + len(text), sentence),), logprob)


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def selector(selection: SelectorWeights, confidence: SelectorWeights | None = None) -> SpanSelector:
    return SpanSelector(NeutralScorer(), FittedWeights(selection, confidence or selection, HALF))


def test_the_likeliest_span_is_selected_and_its_sentence_quoted():
    spans = [span(1, "08:30", -2.1), span(2, "closes  at 17:00", -1.0)]
    selected = selector(SelectorWeights(0.5, 1.0, 0.0)).select("When?", spans, SHOWN, UNSCORED)
    assert selected.text == "closes at 17:00" and log_odds(selected.probability) == pytest.approx(0.5 - 1.0)
    cited = selected.citation
    assert (cited.passage, cited.document, cited.start, cited.end, cited.quote) == (
        2,
        "crane.md",
        127,
        147,
        "It closes  at 17:00.",
    )
    assert TEXT[cited.start - 100 : cited.end - 100] == cited.quote and cited.headings == ("Crane", "Limits")


def test_selection_and_confidence_have_weights_of_their_own():
    spans = [span(1, "08:30", -2.0), span(2, "17:00", -1.0)]
    selected = selector(SelectorWeights(0.0, 1.0, 0.0), SelectorWeights(-1.0, 0.5, 0.0)).select(
        "When?", spans, SHOWN, UNSCORED
    )
    assert selected.text == "17:00" and log_odds(selected.probability) == pytest.approx(-1.5)


def test_a_sentence_without_the_negation_of_the_question_lowers_the_confidence():
    spans, confidence = [span(2, "40 tonnes", -0.5)], SelectorWeights(0.0, 1.0, 0.0, -2.0)
    said = [
        selector(SelectorWeights(0.0, 1.0, 0.0), confidence).select(asked, spans, SHOWN, UNSCORED)
        for asked in ("What does it lift?", "What does it not lift?")
    ]
    assert [log_odds(selected.probability) for selected in said] == pytest.approx([-0.5, -2.5])


def test_a_high_span_score_selects_a_span_and_raises_the_confidence():
    class Marked:
        def score(self, question, texts):
            assert (question, texts) == ("When?", [SHOWN[0].chunk.search_text, SHOWN[1].chunk.search_text]), (
                "each passage under its heading"
            )
            spans = [
                (text.index(word), text.index(word) + len(word))
                for text, word in zip(texts, ("08:30", "17:00"), strict=True)
            ]
            return [SpanScores([span], [score], [score + 1]) for span, score in zip(spans, (2.0, 1.0), strict=True)]

    weights = FittedWeights(SelectorWeights(0.0, 1.0, 0.5), SelectorWeights(0.5, 0.0, 0.1), HALF)
    spans = [span(2, "17:00", -1.0), span(1, "08:30", -1.5), span(2, "It closes  at 17:00", -1.2)]
    marked = SpanSelector(Marked(), weights)
    selected = marked.select("When?", spans, SHOWN, marked.score("When?", SHOWN))
    assert selected.text == "08:30" and log_odds(selected.probability) == pytest.approx(0.5 + 0.1 * 5.0)


def test_agreement_with_the_other_spans_raises_the_confidence():
    assert expected_f1(["17:00", "at 17:00", "08:30"], [0.0, math.log(2), math.log(2)], 0) == pytest.approx(
        (1 + 2 * 2 / 3) / 5
    )
    trusting = selector(SelectorWeights(0.0, 1.0, 0.0), SelectorWeights(0.0, 0.0, 0.0, expected_f1=2.0))
    alone, shared = ([span(2, "17:00", -1.0), span(*other, -1.0)] for other in ((1, "08:30"), (2, "at 17:00")))
    said = [trusting.select("When?", spans, SHOWN, UNSCORED) for spans in (alone, shared)]
    assert [selected.text for selected in said] == ["17:00"] * 2
    assert [log_odds(selected.probability) for selected in said] == pytest.approx(
        [2 * (1 + 0) / 2, 2 * (1 + 2 / 3) / 2]
    )


def test_an_unlikely_span_is_a_refusal_that_keeps_the_span():
    selected = selector(SelectorWeights(0.0, 1.0, 0.0)).select("What?", [span(2, "40 tonnes", -1.0)], SHOWN, UNSCORED)
    shown, refused = (extractive_answer(selected, least, SHOWN) for least in (0.2, 0.3))
    assert (shown.text, shown.refused, shown.confidence, shown.output) == ("40 tonnes", False, 0.2689, "40 tonnes [2]")
    assert (refused.text, refused.refused, refused.confidence, refused.output, refused.citations) == (
        REFUSAL,
        True,
        0.7311,
        "40 tonnes [2]",
        [],
    )
    assert refused.passages == SHOWN


def test_where_no_span_is_sure_a_sentence_that_probably_answers_is_shown():
    def asked(likely: SelectorWeights):
        weights = FittedWeights(SelectorWeights(0, 1, 0), SelectorWeights(-3, 1, 0), likely)
        selected = SpanSelector(NeutralScorer(), weights).select("What?", [span(2, "40 tonnes", -1.0)], SHOWN, UNSCORED)
        return extractive_answer(selected, 0.2, SHOWN)

    shown, unlikely = asked(SelectorWeights(1, 1, 0)), asked(SelectorWeights(-1, 1, 0))
    assert shown.refused and shown.text == REFUSAL and shown.kind == "probable" and shown.citations == []
    assert shown.probable.quote == "The crane lifts 40 tonnes." and shown.probable_confidence == 0.5
    assert unlikely.refused and unlikely.kind == "refusal" and unlikely.probable is None


def test_no_span_is_a_refusal():
    assert selector(SelectorWeights(0, 1, 1)).select("What?", [], SHOWN, UNSCORED) is None
    nothing = extractive_answer(None, 0.3, SHOWN)
    assert nothing.refused and nothing.text == REFUSAL and nothing.citations == []


def test_certainty_stays_finite():
    assert 0 < sigmoid(SelectorWeights(0, 1, 1).logit(-2000.0, 0.0)) < 1e-100


def test_the_shipped_weights_use_generator_span_scorer_and_agreement():
    for path in (SHIPPED, LARGE):
        weights = read_weights(path)
        every = (weights.selection, weights.confidence, weights.sentence)
        assert all(each.logprob > 0 and each.span_score > 0 for each in every)
        assert weights.confidence.expected_f1 > 0 > weights.confidence.negation_mismatch
        assert (weights.selection.negation_mismatch, weights.selection.expected_f1) == (0, 0)


def test_weights_of_another_version_are_an_error_with_a_remedy(tmp_path):
    (tmp_path / "old.json").write_text('{"choosing": {"intercept": 0, "logprob": 1, "marks": 1}, "trust": {}}')
    (tmp_path / "broken.json").write_text("[1")
    for name in ("old", "broken", "missing"):
        with pytest.raises(ModelError, match=f"{name}.json holds no weights of this version .*git checkout"):
            read_weights(tmp_path / f"{name}.json")
    with pytest.raises(ModelError, match="broken.json holds no weights of this version"):
        read_base_recalibration(tmp_path / "broken.json")
