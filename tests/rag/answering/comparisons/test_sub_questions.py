import pytest

from rag.answering.comparisons.sub_questions import ANSWERS, DIFFERENCE, SENTENCES, asks_for_difference, split_question


@pytest.mark.parametrize(
    "question, first, second, told",
    [
        (
            "How much longer is the North Quay than the South Quay?",
            "How long is the North Quay?",
            "How long is the South Quay?",
            DIFFERENCE,
        ),
        (
            "How many more days' notice does an engineer need than a deckhand?",
            "How many days' notice does an engineer need?",
            "How many days' notice does a deckhand need?",
            DIFFERENCE,
        ),
        (
            "How much more does a berth for a 10 m boat cost than one for an 8 m boat?",
            "How much does a berth for a 10 m boat cost?",
            "How much does a berth for an 8 m boat cost?",
            DIFFERENCE,
        ),
        (
            "How many more days of leave do I get under the 2025 rules than under the 2022 rules?",
            "How many days of leave do I get under the 2025 rules?",
            "How many days of leave do I get under the 2022 rules?",
            DIFFERENCE,
        ),
        (
            "How much later does the office close on Saturdays than on Sundays?",
            "When does the office close on Saturdays?",
            "When does the office close on Sundays?",
            DIFFERENCE,
        ),
        (
            "What's the difference in price between an adult single and a child single?",
            "What is the price of an adult single?",
            "What is the price of a child single?",
            DIFFERENCE,
        ),
        (
            "What is the difference between the fee for a small boat and a large one?",
            "What is the fee for a small boat?",
            "What is the fee for a large boat?",
            DIFFERENCE,
        ),
        (
            "What is the difference between a bailee note and a lien note?",
            "What is a bailee note?",
            "What is a lien note?",
            SENTENCES,
        ),
        (
            "How do planned and unplanned dredging differ?",
            "What is planned dredging?",
            "What is unplanned dredging?",
            SENTENCES,
        ),
        (
            "how is edition 3 of the rules different from edition 4?",
            "What is edition 3 of the rules?",
            "What is edition 4 of the rules?",
            SENTENCES,
        ),
        (
            "By how many did the number of boats go up from 2023 to 2024?",
            "What was the number of boats in 2023?",
            "What was the number of boats in 2024?",
            DIFFERENCE,
        ),
        (
            "By the contract, how much less does the crane cost than the dredger?",
            "How much does the crane cost?",
            "How much does the dredger cost?",
            DIFFERENCE,
        ),
        (
            "When was the mole built, and who paid for it?",
            "When was the mole built?",
            "who paid for it (mole built)?",
            ANSWERS,
        ),
        ("Compare a permit with a licence", "What is a permit?", "What is a licence?", SENTENCES),
    ],
)
def test_a_question_about_two_things_is_made_of_two_questions(question, first, second, told):
    parts = split_question(question)
    assert (parts.asked, parts.told) == ((first, second), told)


@pytest.mark.parametrize(
    "question",
    [
        "When was Kestrel Bay built?",
        "How much is a single?",
        "How many more boats are there?",
        "What makes the difference?",
        "Who compares the two lists?",
        "What does it say about what happened and how it was mended?",
        "Who may go, and when?",
        "Is the pier longer than the quay?",
    ],
)
def test_other_questions_are_not_taken_apart(question):
    assert split_question(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "How many tonnes more did the ice plant sell than before?",
        "The board raised the limit. By how much?",
        "How much did the fee change in 2025?",
        "How much later does the office close in summer?",
        "How much cheaper is it to pay by card?",
        "By how much was the limit raised?",
    ],
)
def test_questions_that_one_value_alone_does_not_answer(question):
    assert asks_for_difference(question)


@pytest.mark.parametrize(
    "question",
    [
        "How much is a single?",
        "How long is the quay?",
        "Is the pier longer than 9 m?",
        "How many of the crew are older than 60?",
        "How much is the lower berth?",
        "How many lower berths are there?",
        "How many boats more than 12 m long are moored here?",
        "How much extra do I pay for a dog?",
    ],
)
def test_questions_that_one_value_answers(question):
    assert not asks_for_difference(question)
