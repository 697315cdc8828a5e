"""Reordering by the span scorer: its order, joined with that of the search, and what it read is kept for the answer."""

from fakes import passage
from rag.answering.spans.span_selector import FittedWeights, SelectorWeights, SpanSelector
from rag.models.span_scorer import ScoredSpan, SpanScorer, SpanScores
from rag.retrieval.reranking import rerank

TEXTS = ["The mole is long.", "Sheep graze.", "It lifts 40 tonnes.", "It lifts 50 tonnes."]


class Digits(SpanScorer):
    """Finds the answer where a text has digits."""

    def __init__(self):
        self.asked, self.digest = [], "digits"

    def score(self, question, texts):
        self.asked.append(texts)
        return [_scores(text) for text in texts]


def _scores(text):
    offsets = [(at, at + 1) for at in range(len(text))]
    high = [3.0 if character.isdigit() else -1.0 for character in text]
    return SpanScores(offsets, high, high, "digits")


def test_a_passage_with_an_answer_gains_a_place_and_passages_keep_what_was_read():
    scorer, found = Digits(), [passage(text, headings=()) for text in TEXTS]
    ordered = rerank(scorer, "How much?", found, 3)
    assert [p.chunk.text for p in ordered] == [TEXTS[0], TEXTS[2], TEXTS[1], TEXTS[3]]
    assert [p.reranked for p in ordered] == [-2.0, 6.0, -2.0, None], "the fourth is not read"
    assert [p.reading is None for p in ordered] == [False, False, False, True]
    assert [len(texts) for texts in scorer.asked] == [3]


def test_what_was_read_for_the_order_is_not_read_again_for_the_answer():
    scorer, found = Digits(), [passage(text, headings=()) for text in TEXTS]
    ordered = rerank(scorer, "How much?", found, 3)
    selector = SpanSelector(scorer, FittedWeights(*[SelectorWeights(0, 0, 1)] * 3))
    assert selector.score("How much?", ordered) == [_scores(p.chunk.search_text) for p in ordered]
    assert [len(texts) for texts in scorer.asked] == [3, 1]
    scorer.digest = "another"
    selector.score("How much?", ordered)
    assert [len(texts) for texts in scorer.asked] == [3, 1, 4], "another scorer reads all anew"


def test_the_best_span_by_hand():
    assert SpanScores([(0, 1), (1, 2), (3, 4)], [1.0, 5.0, 0.0], [4.0, 2.0, 3.0]).best_span() == ScoredSpan(8.0, 1, 4)
    assert SpanScores([(0, 1), (1, 2)], [1.0, 5.0], [9.0, 2.0]).best_span().score == 10.0
    assert SpanScores([(0, 1), (1, 2)], [1.0, 9.0], [2.0, -8.0]).best_span().score == 3.0, "no end before its start"
    far = SpanScores([(n, n + 1) for n in range(40)], [9.0, *[0.0] * 39], [*[0.0] * 39, 9.0])
    assert far.best_span().score == 9.0, "no span is longer than an answer"
