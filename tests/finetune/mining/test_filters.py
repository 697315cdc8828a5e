import pytest

from fakes import passage
from finetune.mining.candidates import Candidate
from finetune.mining.filters import (
    NAMES,
    answered_otherwise,
    model_free_reason,
    not_found_again,
    query_terms,
    unsupported,
)
from finetune.settings import FILTERS, RowSettings
from rag.core.errors import SettingsError

SENTENCE = "The crane on the north quay lifts 40 tonnes in calm weather."
CHUNK = passage(SENTENCE, headings=("Crane manual", "Limits")).chunk
CANDIDATE = Candidate(CHUNK, (0, len(SENTENCE)), SENTENCE.index("40"), "40 tonnes", "amount")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("How much does the crane on the north quay lift?", None),
        ("The crane on the north quay lifts a lot.", "not a question of 4 to 30 words"),
        ("Crane quay lifts?", "not a question of 4 to 30 words"),
        ("What " + "north quay crane " * 10 + "lifts?", "not a question of 4 to 30 words"),
        ("What does the passage say the crane lifts?", "points at the text"),
        ("What does this short text say the crane lifts?", "points at the text"),
        ("How much can it lift on the north quay?", "points at the text"),
        ("What crane lifts the crane of the crane on the quay?", "repeats itself"),
        ("How much north quay does the north quay lift?", "repeats itself"),
        ("Does the crane on the quay lift 40 Tonnes?", "contains its answer"),
        ("What tonnes, 40 in all, does the crane on the quay lift?", "contains its answer"),
        ("How much does the crane 140 on the quay lift, in tonnes?", None),
        ("How much can the ferry carry?", "shares fewer than two words with its sentence"),
        ("Which crane manual explains penguins, submarines and volcanoes nicely?", "mostly about something else"),
        ("When does the crane on the north quay lift?", "asks for another kind of answer"),
        ("Who lifts with the crane on the quay?", "asks for another kind of answer"),
        ("How much weather is lifted by the calm crane?", "near-duplicate"),
        ("How much weather is lifted by the calm crane 7?", None),
    ],
)
def test_each_reason(question, reason):
    assert (
        model_free_reason(question, CANDIDATE, [query_terms("How much calm weather is the crane lifted by?")]) == reason
    )


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("malformed", "lift crane north quay"),
        ("points_at_text", "How much does the crane in this text lift on the quay?"),
        ("repeats_itself", "What crane lifts the crane of the crane on the quay?"),
        ("contains_answer", "Does the crane on the quay lift 40 Tonnes?"),
        ("unrelated", "How much can the ferry carry?"),
        ("asks_for_another_kind", "When does the crane on the north quay lift?"),
        ("near_duplicate", "How much weather is lifted by the calm crane?"),
    ],
)
def test_each_filter_can_be_left_out_by_its_name(name, question):
    kept = [query_terms("How much calm weather is the crane lifted by?")]
    assert model_free_reason(question, CANDIDATE, kept) and model_free_reason(question, CANDIDATE, kept, {name}) is None
    assert name in NAMES and all(
        model_free_reason(question, CANDIDATE, kept, {other}) for other in NAMES if other != name
    )


def test_a_filter_that_is_not_there_cannot_be_left_out():
    assert FILTERS == NAMES
    assert RowSettings(without="unrelated, unsupported").left_out_filters == {"unrelated", "unsupported"}
    with pytest.raises(SettingsError, match="no filter 'closed', only malformed"):
        RowSettings(without="closed")


def test_the_span_is_found_again_by_an_answer_that_shares_half_of_it():
    assert not_found_again("about 40 tonnes", "40 tonnes") is None is not_found_again(None, "40 tonnes")
    assert (
        not_found_again("40", "40 long tonnes of coal")
        == not_found_again("", "40")
        == "the reader does not find the span again"
    )


def test_the_span_must_be_supported_and_better_than_any_other():
    assert unsupported(0.5, 0.5) is None
    assert unsupported(0.49, 0.1) == "its sentence does not support it"
    assert unsupported(0.8, 0.9) == "another span answers it better"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Last year the crane on the north quay could lift 35 tonnes.", "another passage gives another answer"),
        ("Opening.\n\nThe north quay's crane lifts 35 tonnes, as it did.", "another passage gives another answer"),
        ("The crane on the north quay lifts 40 tonnes.", None),
        ("The crane on the south quay lifts 35 tonnes.", None),
        ("The crane on the north quay lifts what it can.", None),
    ],
)
def test_a_passage_that_says_as_much_with_another_value_gives_another_answer(text, reason):
    others = [passage("The ferry carries 12 tonnes.").chunk, passage(text, headings=("Crane manual",)).chunk]
    assert answered_otherwise("How much does the crane on the north quay lift?", CANDIDATE, others) == reason
