import pytest

from eval.metrics.groundedness import CitedPassage, add_support, answer_sentences, lexical_support
from eval.suites.agreement import FILE, against, as_text, measure_agreement
from fakes import FakeMeaning
from rag.core.jsonl import read_lines
from rag.generation.prompt import REFUSAL
from rows import CRANE, failed, predicted, write

T, F = True, False
LIMITS = CitedPassage(CRANE, "Limits")
BUILT = CitedPassage("It was built in 1987.", "History")


@pytest.mark.parametrize(
    ("claim", "passage", "share"),
    [
        ("40 tonnes", CRANE, 1.0),
        ("The 40 Tonnes!", CRANE, 1.0),
        ("red crane lifts", CRANE, 2 / 3),
        ("41 tonnes", CRANE, 0.0),  # a number that the passage lacks
        ("red crane lifts 41 tonnes", CRANE, 0.0),
        ("crane mole", "The crane is old. The mole is new.", 1 / 2),  # the best sentence: two of them don't add up
        ("anything", "", 0.0),
    ],
)
def test_lexical_support_by_hand(claim, passage, share):
    assert lexical_support(claim, CitedPassage(passage, ""))[0] == pytest.approx(share)


def test_the_best_sentence_comes_with_its_support():
    assert lexical_support("mole new", CitedPassage("The crane is old. The mole is new.", "")) == (
        1.0,
        "The mole is new.",
    )


def test_claims_are_the_sentences_of_the_answer():
    assert answer_sentences(predicted("The crane lifts 40 tonnes. It was built in 1987.")) == [
        "The crane lifts 40 tonnes.",
        "It was built in 1987.",
    ]
    assert answer_sentences(predicted("40 tonnes")) == ["40 tonnes"] and answer_sentences(predicted("")) == []


@pytest.mark.parametrize(
    ("text", "sure", "supported"),
    [("40 tonnes", 0.9, True), ("40 tonnes", 0.5, True), ("40 tonnes", 0.49, False),
     ("50 tonnes", 0.9, False), ("50 tonnes", 0.1, False),
     ("crane lifts heavy loads", 0.9, False), ("crane lifts heavy", 0.9, True)],  # half of the words, and two thirds
)  # fmt: skip
def test_both_the_words_and_the_meaning_must_hold(text, sure, supported):
    rows = [predicted(text)]
    add_support(rows, [[LIMITS]], FakeMeaning(lambda claim, passage: sure))
    (claim,) = rows[0]["support"]
    assert claim["supported"] is supported and claim["meaning"] == sure


def test_meaning_is_of_each_sentence_with_its_question_against_the_best_sentence_of_each_passage_under_its_headings():
    encoder = FakeMeaning(
        lambda claim, text: (
            0.8 if "1987" in claim and "1987" in text else 0.7 if "40" in claim and "40" in text else 0.2
        )
    )
    long = CitedPassage(f"The mole is long. {CRANE}", "Limits")
    rows = [
        predicted("It lifts 40 tonnes. Built in 1987.", question="What?"),
        predicted(REFUSAL),
        failed(),
        predicted("1987", question="When?"),
    ]
    add_support(rows, [[long, BUILT], [], [], [LIMITS]], encoder)
    assert encoder.pairs[:1] + encoder.pairs[3:] == [
        ("What? It lifts 40 tonnes.", f"Limits\n{CRANE}"),
        ("What? Built in 1987.", "History\nIt was built in 1987."), ("When? 1987", f"Limits\n{CRANE}"),
    ]  # fmt: skip
    assert [claim["meaning"] for claim in rows[0]["support"]] == [0.7, 0.8]
    assert [claim["meaning"] for claim in rows[3]["support"]] == [0.2]
    assert "support" not in rows[1] and rows[2] == failed()


def test_words_are_sought_in_the_passage_and_not_in_its_headings():
    rows = [predicted("limits")]
    add_support(rows, [[LIMITS]], FakeMeaning())
    assert rows[0]["support"][0]["lexical"] == 0.0


def test_an_answer_that_cites_nothing_has_no_support():
    rows = [predicted("40 tonnes", cited=[])]
    add_support(rows, [[]], FakeMeaning())
    assert [claim["supported"] for claim in rows[0]["support"]] == [False]


def test_agreement_with_labels_by_hand():
    found = against([T] * 4 + [F] * 6, [T] * 3 + [F] * 7)  # one supported answer is flagged too
    assert (found["agreement"], found["unsupported_precision"], found["unsupported_recall"]) == (
        0.9,
        round(6 / 7, 4),
        1.0,
    )
    assert 0.6 <= found["low"] < 0.9 < found["high"] == 1.0
    missed = against([T, F, F, F], [T, T, T, F])
    assert (missed["agreement"], missed["unsupported_precision"], missed["unsupported_recall"]) == (
        0.5,
        1.0,
        round(1 / 3, 4),
    )


def test_nothing_flagged_has_no_precision_and_nothing_unsupported_no_recall():
    assert against([T, F], [T, T])["unsupported_precision"] is None
    assert against([T, T], [T, F])["unsupported_recall"] is None


LABELLED = [
    {"question": "How much?", "text": "40 tonnes", "passage": CRANE, "headings": "Limits", "supported": True},
    {"question": "How much?", "text": "50 tonnes", "passage": CRANE, "headings": "Limits", "supported": False},
    {
        "question": "How many moles are there?",
        "text": "40",
        "passage": CRANE,
        "headings": "Limits",
        "supported": False,
    },  # about something else
    {
        "question": "How strong is it?",
        "text": "Very strong",
        "passage": CRANE,
        "headings": "Limits",
        "supported": True,
    },  # in other words
]


def test_agreement_is_of_the_words_of_the_meaning_and_of_both(tmp_path):
    path = write(tmp_path / "labelled.jsonl", LABELLED)
    found = measure_agreement(FakeMeaning(lambda claim, passage: 0.1 if "moles" in claim else 0.9), path)
    assert (found["n"], found["labelled_supported"]) == (4, 2)
    predicted = {name: method["agreement"] for name, method in found["methods"].items()}
    assert predicted == {
        "lexical": 0.5,
        "meaning": 0.75,
        "both": 0.75,
    }  # lexical T F T F; meaning T T F T; both T F F F
    lines = as_text(found).splitlines()
    assert lines[0].startswith("4 labelled answers, 2 supported") and len(lines) == 4


def test_a_labelled_file_that_does_not_end_in_a_line_feed_is_read_whole_and_left_alone(tmp_path):
    path = write(tmp_path / "labelled.jsonl", LABELLED, end="")
    before = path.read_bytes()
    assert measure_agreement(FakeMeaning(), path)["n"] == 4
    assert path.read_bytes() == before


def test_the_labelled_answers_are_two_hundred_of_both_kinds():
    labels = read_lines(FILE)
    assert len(labels) == 200 and 10 < sum(row["supported"] for row in labels) < 190
    assert all(row["question"] and row["text"] and row["passage"] and row["why"] for row in labels)
