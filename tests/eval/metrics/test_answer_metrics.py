import pytest

from eval.metrics.answer_metrics import RIGHT, contains, measure_answer, new_word_share
from eval.metrics.relevance import add_relevance
from fakes import HashEmbedder
from rag.generation.prompt import REFUSAL
from rows import CRANE, failed, predicted, scored

EVIDENCE = {"document": "crane.md", "start": 16, "end": 25}


def measures(text="40 tonnes", answers=("40 tonnes",), **more):
    return measure_answer(predicted(text, answers, **more))["measures"]


def cite(document, start, end, **more):
    return {"document": document, "start": start, "end": end, "quote": "x" * (end - start), **more}


def test_a_right_answer_has_every_measure():
    found = measures("The 40 tonnes")
    assert {name: found[name] for name in ("exact_match", "f1", "contains", "squad2_f1", "right")} == {
        "exact_match": 1.0, "f1": 1.0, "contains": 1.0, "squad2_f1": 1.0, "right": True}  # fmt: skip
    assert (found["cites"], found["citation_precision"], found["citation_recall"]) == ([True], 1.0, 1.0)
    assert (found["grounded"], found["hallucinated"], found["literal_quotes"]) == (None, False, None)


def test_a_refusal_of_an_answerable_question_scores_nothing():
    found = measures(REFUSAL)
    assert [found[name] for name in ("exact_match", "f1", "contains", "squad2_f1", "citation_recall")] == [0.0] * 5
    assert (found["right"], found["hallucinated"], found["citation_precision"], found["adds"]) == (
        False,
        False,
        None,
        None,
    )


def test_a_refusal_scores_nothing_even_if_the_refusal_sentence_holds_the_answer():
    found = measures(REFUSAL, ("documents",))
    assert (found["f1"], found["contains"], found["squad2_f1"]) == (0.0, 0.0, 0.0)


def test_refusing_is_right_where_the_documents_do_not_answer_and_answering_is_made_up():
    refused, answered = measures(REFUSAL, ()), measures("40 tonnes", ())
    assert (refused["right"], refused["squad2_f1"], refused["f1"], refused["hallucinated"]) == (True, 1.0, 0.0, False)
    assert (answered["right"], answered["squad2_f1"], answered["hallucinated"]) == (False, 0.0, True)
    assert (answered["citation_precision"], answered["citation_recall"], refused["citation_recall"]) == (
        0.0,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("text", "right"), [("40 big red", True), ("40 big red ones", False)]
)  # F1 of 2 / (3 + 1) and of 2 / (4 + 1)
def test_an_answer_is_right_from_half_of_f1(text, right):
    assert RIGHT == 0.5 and measures(text, ("40",))["right"] is right


@pytest.mark.parametrize(
    ("text", "answers", "found"),
    [
        ("It lifts 40 tonnes a day", ["40 tonnes"], 1.0),
        ("It lifts 140 tonnes", ["40 tonnes"], 0.0),  # whole words
        ("The theatre", ["Heat"], 0.0),
        ("in May, the 3rd", ["June", "May 3rd"], 1.0),
        ("40 tonnes", ["40 tonnes a day"], 0.0),  # the answer in the prediction, not the prediction in the answer
        ("anything", ["the"], 0.0),  # an answer of which normalization leaves nothing is in no text
        ("anything", [], 0.0),
    ],
)
def test_contains_by_hand(text, answers, found):
    assert contains(text, answers) == found


def test_each_citation_and_each_piece_of_evidence_counts():
    two = [EVIDENCE, {"document": "mole.md", "start": 112, "end": 122}]
    found = measures(evidence=two, cited=[cite("limit.md", 16, 25), cite("crane.md", 0, 26)])
    assert (found["cites"], found["citation_precision"], found["citation_recall"]) == ([False, True], 0.5, 0.5)
    wrong = measures(evidence=two, cited=[cite("limit.md", 0, 26)])
    assert (wrong["f1"], wrong["citation_precision"], wrong["citation_recall"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("span", "right"),
    [
        (("crane.md", 16, 25), True),
        (("crane.md", 24, 40), True),
        (("crane.md", 25, 40), False),
        (("crane.md", 0, 16), False),
        (("mole.md", 16, 25), False),
    ],
)
def test_a_citation_is_right_when_it_shares_a_character_with_the_evidence(span, right):
    assert measures(cited=[cite(*span)], passages=[])["cites"] == [right]


def test_a_citation_is_its_whole_passage_where_that_is_known():
    early = [cite("crane.md", 0, 9, passage=1)]  # the quote does not reach the evidence, its passage does
    assert measures(cited=early)["cites"] == [True]
    assert measures(cited=early, passages=[])["cites"] == [False]
    second = [cite("crane.md", 16, 25, passage=2)]  # the passage that it names is another document's
    assert measures(cited=second)["cites"] == [False]
    assert measures(cited=[cite("crane.md", 16, 25, passage=9)])["cites"] == [
        True
    ]  # no such passage: the quote's own place


def test_citations_are_not_scored_where_the_evidence_is_not_known():
    found = measures(evidence=[])
    assert (found["citation_precision"], found["citation_recall"]) == (None, None)


def test_an_answer_without_citations_has_no_precision_to_lose_but_gets_none():
    found = measures(cited=[])
    assert (found["citation_precision"], found["citation_recall"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("support", "grounded", "made_up"),
    [([True, True], 1.0, False), ([True, False], 0.5, True), ([False], 0.0, True), ([], None, False)],
)
def test_an_answer_with_a_sentence_that_nothing_supports_is_hallucinated(support, grounded, made_up):
    found = measures(support=[{"supported": value} for value in support])
    assert (found["grounded"], found["hallucinated"]) == (grounded, made_up)


def test_quotes_are_held_against_the_source_character_for_character():
    text = CRANE + " It was built in 1987."
    right = {"document": "crane.md", "start": 0, "end": 26, "quote": CRANE}
    off = {"document": "crane.md", "start": 1, "end": 27, "quote": CRANE}
    row = predicted(cited=[right, off, {"document": "crane.md", "start": 0, "end": 5, "quote": ""}])
    assert (
        measure_answer(row, lambda row, c: text[c["start"] : c["end"]])["measures"]["literal_quotes"] == 0.5
    )  # no quote, nothing to check
    assert measure_answer(row)["measures"]["literal_quotes"] is None


def test_a_failed_row_stays_as_it_is():
    assert measure_answer(failed()) == failed()


def test_scoring_twice_changes_nothing():
    assert measure_answer(measure_answer(predicted())) == measure_answer(predicted())


@pytest.mark.parametrize(
    ("text", "question", "share"),
    [("40 tonnes", "How much does the crane lift?", 1.0),
     ("The crane lifts 40 tonnes", "How much does the crane lift?", 3 / 4),
     ("the crane", "How much does the crane lift?", 0.0), ("The", "What?", 0.0), ("", "What?", 0.0)],
)  # fmt: skip
def test_adds_is_the_share_of_words_that_the_question_does_not_have(text, question, share):
    assert new_word_share(text, question) == pytest.approx(share)


def test_relevance_is_the_cosine_of_question_and_quote_times_what_the_answer_adds():
    question = "crane lift limit"
    same, half = (
        [cite("crane.md", 0, 9) | {"quote": text}]
        for text in (question, "crane lift limit one two three four five six seven eight nine")
    )
    rows = [
        scored(question=question, cited=same),
        scored("limit 40", question=question, cited=same),
        scored(question=question, cited=half),
    ]
    rows += [scored(REFUSAL), failed(), scored("crane lift limit", question=question, cited=[])]
    add_relevance(rows, HashEmbedder())
    assert [row["measures"]["relevance"] for row in rows[:2]] == [1.0, 0.5]
    assert rows[2]["measures"]["relevance"] == pytest.approx(
        (3 / 12) ** 0.5, abs=0.15
    )  # but for words that share a dimension
    assert "relevance" not in rows[3]["measures"] and rows[4] == failed()
    assert rows[5]["measures"]["relevance"] == 0.0  # it repeats the question; without a quote its own text is compared
