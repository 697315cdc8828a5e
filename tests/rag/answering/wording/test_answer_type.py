"""What kind of answer a question asks for."""

import pytest

from rag.answering.wording.answer_type import expected_type


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("What time does the office open?", "08:30", "Lantern Quay"),
        ("At what time was it sent?", "at 16.40", "19.02.2026"),
        ("What time is high water?", "7.30", "86.79"),
        ("In which year was the crane built?", "the 1960s", "May"),
        ("When did the ferry first sail?", "3 May", "the harbour office"),
        ("And when must it be paid?", "within 30 days", "by cheque"),
        ("In what century was the mole built?", "the nineteenth", "granite"),
        ("How long is a permit good for?", "two weeks", "hot work"),
        ("How many days of notice are due?", "at least five", "the manager"),
        ("How much does it cost to park?", "£4 a week", "by the gate"),
        ("What is the winter price of ice?", "90 pence", "crushed"),
        ("How many apprentices may a mentor take?", "no more than two", "apprentices"),
        ("What is the maximum depth at berth 4?", "5.4 m", "the Narrows"),
    ],
)
def test_a_question_that_says_what_it_wants_takes_nothing_else(question, right, wrong):
    kind = expected_type(question)
    assert kind is not None and kind.search(right) and not kind.search(wrong)


@pytest.mark.parametrize(
    "question",
    [
        "Who owns it?",
        "What happens when the tide is low?",
        "Why is it shut?",
        "When I am ill, who do I call?",
        "",
        "crane C3 tyres",
    ],
)
def test_other_questions_say_nothing(question):
    assert expected_type(question) is None
