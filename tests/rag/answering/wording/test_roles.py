import pytest

from rag.answering.wording.roles import asked_role, asks_for_role, has_other_role


def other(question: str, sentence: str, span: str) -> bool:
    start = sentence.index(span)
    return has_other_role(question, sentence, (start, start + len(span)))


@pytest.mark.parametrize(
    ("question", "role"),
    [
        ("Who sold the mill?", "seller"),
        ("To whom was the mill sold?", "buyer"),
        ("Who was the mill sold to?", "buyer"),
        ("Who did Brodd buy the mill from?", "seller"),
        ("By whom was the mill bought?", "buyer"),
        ("Who lent the pump?", "lender"),
        ("Who borrowed the pump?", "borrower"),
        ("Who was the buyer of the mill?", "buyer"),
        ("Who taught Ida Falk?", "teacher"),
        ("Who did Ida Falk teach?", "learner"),
        ("Who owns the mill?", ""),
        ("When was the mill sold?", ""),
    ],
)
def test_the_role_that_a_question_asks_for(question, role):
    assert asked_role(question) == role


ACTIVE = "Hagen Estate sold the old mill to Brodd & Sons."
PASSIVE = "The old mill was bought from Hagen Estate by Brodd & Sons."


@pytest.mark.parametrize("sentence", [ACTIVE, PASSIVE])
@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Who sold the old mill?", "Hagen Estate", "Brodd & Sons"),
        ("Who bought the old mill?", "Brodd & Sons", "Hagen Estate"),
        ("To whom was the old mill sold?", "Brodd & Sons", "Hagen Estate"),
    ],
)
def test_buyer_and_seller_of_one_sentence(sentence, question, right, wrong):
    assert other(question, sentence, wrong) and not other(question, sentence, right)


@pytest.mark.parametrize(
    ("question", "sentence", "right", "wrong"),
    [
        ("Who lent the pump?", "The pump was lent by Ulsby Works to Tom Reuss.", "Ulsby Works", "Tom Reuss"),
        ("Who taught Ida Falk?", "Per Vik taught Ida Falk the trade.", "Per Vik", "Ida Falk"),
        ("Who received the letter?", "The letter was sent by Per Vik to Ida Falk.", "Ida Falk", "Per Vik"),
    ],
)
def test_other_pairs_of_roles(question, sentence, right, wrong):
    assert other(question, sentence, wrong) and not other(question, sentence, right)


def test_a_span_of_both_is_neither():
    assert other("Who bought the old mill?", PASSIVE, "Hagen Estate by Brodd & Sons")


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("What was the rent before the increase?", "520 pounds", "565 pounds"),
        ("What is the rent since the rise?", "565 pounds", "520 pounds"),
    ],
)
def test_old_and_new_value_of_a_change(question, right, wrong):
    sentence = "The rent went up from 520 pounds to 565 pounds in May."
    assert asks_for_role(question)
    assert other(question, sentence, wrong) and not other(question, sentence, right)


def test_a_sentence_that_says_nothing_of_the_role_excludes_nobody():
    assert not other("Who sold the old mill?", "Per Vik looked on.", "Per Vik")
    assert not asks_for_role("Who owns the old mill?")
