import pytest

from rag.answering.tables.column_words import is_of_other_kind, other_words
from rag.core.terms import stem


def means(question: str) -> frozenset[str]:
    return other_words(question, frozenset(map(stem, question.lower().strip("?").split())))


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("How heavy is it?", "weight"),
        ("Where is it?", "shelf"),
        ("How long is it?", "duration"),
        ("Who wrote it?", "author"),
        ("How far is it?", "distance"),
    ],
)
def test_what_a_column_may_be_called_that_a_question_asks_for_in_other_words(question, column):
    assert stem(column) in means(question)
    assert stem("colour") not in means(question)


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("When does the lease end?", "Expires on", "Begins on"),
        ("When does it open?", "Opens", "Closes"),
        ("What is the minimum load?", "Minimum load", "Maximum load"),
        ("What is the monthly fee?", "Fee per month", "Yearly fee"),
        ("When does it depart?", "Departure", "Arrival"),
        ("What was it before?", "Before", "After"),
        ("Which is the net sum?", "Net", "Gross"),
    ],
)
def test_a_column_of_another_kind(question, right, wrong):
    assert is_of_other_kind(question, wrong) and not is_of_other_kind(question, right)


def test_a_question_or_column_that_says_no_kind_is_open():
    assert not is_of_other_kind("What is the fee?", "Monthly fee")
    assert not is_of_other_kind("What is the monthly fee?", "Fee")
    assert not is_of_other_kind("When does it open and close?", "Closes")
