import random

import pytest

from finetune.shipped.opposite_questions import OPPOSITES, count_another, counted_things, turn_relation

RNG = random.Random(0)
CONTRACT = "The contract begins on 1 July 2024 and was signed by three captains on two bridges near several towers."


@pytest.mark.parametrize(
    ("question", "turned"),
    [
        ("When does the contract begin?", "When does the contract end?"),
        ("Who bought the hall?", "Who sold the hall?"),
        ("What is the highest crane?", "What is the lowest crane?"),
        ("Who signed it?", None),
    ],
)
def test_the_relation_is_turned_round(question, turned):
    assert turn_relation(question, CONTRACT, RNG) == turned


def test_what_the_passage_says_as_well_is_not_asked():
    assert turn_relation("When does it begin?", f"{CONTRACT} It ends in 2027.", RNG) is None
    assert turn_relation("When does it begin?", f"{CONTRACT} Its ending is open.", RNG) is None


def test_each_word_has_one_opposite_that_is_another_word():
    assert all(len(pair) == 2 and pair[0] != pair[1] for pair in OPPOSITES)


def test_the_number_of_something_else_is_asked_where_the_passage_does_not_count_it():
    things = counted_things(["How many captains?", "How many towers are there?", "how many berths", "How much rope?"])
    assert things == ["berths", "captains", "towers"]
    text = "Three captains met. The towers were lit."
    assert count_another("How many captains met?", text, things, RNG) == "How many towers met?"
    assert count_another("How many captains met?", "Three captains met. Two towers were lit.", things, RNG) is None
    assert count_another("Who met?", text, things, RNG) is None
