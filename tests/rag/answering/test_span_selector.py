"""The choice among spans, worked by hand."""

import math

import pytest

from fakes import Unmarked, passage
from rag.answering.answer import chosen_answer
from rag.answering.span_scorer import SpanScores
from rag.answering.span_selector import SelectorWeights, SpanSelector, expected_f1, read_weights, sigmoid
from rag.generation.prompt import REFUSAL
from rag.generation.span_search import Span, SpanPlace

TEXT = "The crane lifts 40 tonnes. It closes  at 17:00."
SHOWN = [passage("The office opens at 08:30.", "office.md", 50), passage(TEXT, "crane.md", 100, ("Crane", "Limits"))]


UNMARKED = [SpanScores([], [], [])] * 2


def span(passage: int, text: str, logprob: float) -> Span:
    whole = SHOWN[passage - 1].chunk.text
    start = whole.index(text)
    sentence = next((a, b) for a, b in ((0, 26), (27, len(whole))) if a <= start < b)
    return Span((1, 2), (SpanPlace(passage, start, start + len(text), sentence),), logprob)


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def chooser(choosing: SelectorWeights, trust: SelectorWeights | None = None) -> SpanSelector:
    return SpanSelector(Unmarked(), choosing, trust or choosing)


def test_the_likeliest_is_chosen_and_its_sentence_quoted():
    spans = [span(1, "08:30", -2.1), span(2, "closes  at 17:00", -1.0)]
    choice = chooser(SelectorWeights(0.5, 1.0, 0.0)).choose("When?", spans, SHOWN, UNMARKED)
    assert choice.text == "closes at 17:00" and log_odds(choice.probability) == pytest.approx(0.5 - 1.0)
    cited = choice.citation
    assert (cited.passage, cited.document, cited.start, cited.end, cited.quote) == (
        2,
        "crane.md",
        127,
        147,
        "It closes  at 17:00.",
    )
    assert TEXT[cited.start - 100 : cited.end - 100] == cited.quote and cited.headings == ("Crane", "Limits")


def test_what_is_chosen_and_how_far_it_is_trusted_are_weighed_apart():
    spans = [span(1, "08:30", -2.0), span(2, "17:00", -1.0)]
    choice = chooser(SelectorWeights(0.0, 1.0, 0.0), SelectorWeights(-1.0, 0.5, 0.0)).choose(
        "When?", spans, SHOWN, UNMARKED
    )
    assert choice.text == "17:00" and log_odds(choice.probability) == pytest.approx(-1.5)


def test_a_sentence_that_asserts_what_the_question_denies_is_not_trusted():
    spans, trust = [span(2, "40 tonnes", -0.5)], SelectorWeights(0.0, 1.0, 0.0, -2.0)
    said = [
        chooser(SelectorWeights(0.0, 1.0, 0.0), trust).choose(asked, spans, SHOWN, UNMARKED)
        for asked in ("What does it lift?", "What does it not lift?")
    ]
    assert [log_odds(choice.probability) for choice in said] == pytest.approx([-0.5, -2.5])


def test_what_is_marked_as_beginning_and_end_is_chosen_and_trusted_more():
    class Marked:
        def read(self, question, texts):
            assert (question, texts) == ("When?", [SHOWN[0].chunk.search_text, SHOWN[1].chunk.search_text]), (
                "each passage under its heading"
            )
            spans = [
                (text.index(word), text.index(word) + len(word))
                for text, word in zip(texts, ("08:30", "17:00"), strict=True)
            ]
            return [SpanScores([span], [score], [score + 1]) for span, score in zip(spans, (2.0, 1.0), strict=True)]

    weights = SelectorWeights(0.0, 1.0, 0.5), SelectorWeights(0.5, 0.0, 0.1)
    spans = [span(2, "17:00", -1.0), span(1, "08:30", -1.5), span(2, "It closes  at 17:00", -1.2)]
    marked = SpanSelector(Marked(), *weights)
    choice = marked.choose("When?", spans, SHOWN, marked.marks("When?", SHOWN))
    assert choice.text == "08:30" and log_odds(choice.probability) == pytest.approx(0.5 + 0.1 * 5.0)


def test_an_answer_that_the_other_proposals_share_is_trusted_more():
    assert expected_f1(["17:00", "at 17:00", "08:30"], [0.0, math.log(2), math.log(2)], 0) == pytest.approx(
        (1 + 2 * 2 / 3) / 5
    )
    trusting = chooser(SelectorWeights(0.0, 1.0, 0.0), SelectorWeights(0.0, 0.0, 0.0, agreement=2.0))
    alone, shared = ([span(2, "17:00", -1.0), span(*other, -1.0)] for other in ((1, "08:30"), (2, "at 17:00")))
    said = [trusting.choose("When?", spans, SHOWN, UNMARKED) for spans in (alone, shared)]
    assert [choice.text for choice in said] == ["17:00"] * 2
    assert [log_odds(choice.probability) for choice in said] == pytest.approx([2 * (1 + 0) / 2, 2 * (1 + 2 / 3) / 2])


def test_an_unsure_choice_is_a_refusal_that_keeps_what_it_would_have_said():
    choice = chooser(SelectorWeights(0.0, 1.0, 0.0)).choose("What?", [span(2, "40 tonnes", -1.0)], SHOWN, UNMARKED)
    shown, refused = (chosen_answer(choice, least, SHOWN) for least in (0.2, 0.3))
    assert (shown.text, shown.refused, shown.confidence, shown.output) == ("40 tonnes", False, 0.2689, "40 tonnes [2]")
    assert (refused.text, refused.refused, refused.confidence, refused.output, refused.citations) == (
        REFUSAL,
        True,
        0.7311,
        "40 tonnes [2]",
        [],
    )
    assert refused.passages == SHOWN


def test_no_span_is_a_refusal():
    assert chooser(SelectorWeights(0, 1, 1)).choose("What?", [], SHOWN, UNMARKED) is None
    nothing = chosen_answer(None, 0.3, SHOWN)
    assert nothing.refused and nothing.text == REFUSAL and nothing.citations == []


def test_certainty_stays_finite():
    assert 0 < sigmoid(SelectorWeights(0, 1, 1).odds(-2000.0, 0.0)) < 1e-100


def test_the_shipped_weights_trust_generator_marks_and_agreement():
    choosing, trust = read_weights()
    assert all(weights.logprob > 0 and weights.marks > 0 for weights in (choosing, trust))
    assert trust.agreement > 0 > trust.turned and (choosing.turned, choosing.agreement) == (0, 0)
