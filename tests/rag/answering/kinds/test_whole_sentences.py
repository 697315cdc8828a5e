import pytest

from rag.answering.kinds.whole_sentences import MOST_CHARACTERS, asks_for_sentences, with_steps
from rag.core.chunk import Chunk

STEPS = """To change the filter proceed as follows:
1. Switch the pump off.
2. Open the lid.
3. Lift the filter out.
The lid is heavy."""


def chunk(text: str) -> Chunk:
    return Chunk("a.md", "A", 0, len(text), text, ("A",), None)


def of(text: str, part: str) -> tuple[int, int]:
    return text.index(part), text.index(part) + len(part)


@pytest.mark.parametrize(
    "question",
    [
        "How do I change the filter?",
        "how to change the filter",
        "My pump is loud. How can I fix it?",
        "What should I do if the pump stops?",
        "What are the steps to drain it?",
    ],
)
def test_a_procedure_is_told_in_sentences(question):
    assert asks_for_sentences(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many pumps are there?",
        "How long does it take?",
        "How did the harbour change?",
        "Who may open the lid?",
        "When is the office open?",
        "What is the filter made of?",
        "Isabel Marten was born where?",
    ],
)
def test_other_questions_are_told_in_a_few_words(question):
    assert not asks_for_sentences(question)


@pytest.mark.parametrize(
    "part", ["1. Switch the pump off.", "3. Lift the filter out.", "To change the filter proceed as follows:"]
)
def test_a_step_brings_the_others_and_what_leads_to_them(part):
    start, end = with_steps("How do I change the filter?", chunk(STEPS), of(STEPS, part))
    assert STEPS[start:end] == STEPS.removesuffix("\nThe lid is heavy.")


def test_a_sentence_beside_a_list_stays_alone():
    assert with_steps("How do I lift it?", chunk(STEPS), of(STEPS, "The lid is heavy.")) == of(
        STEPS, "The lid is heavy."
    )
    assert with_steps("Is it off?", chunk(STEPS), of(STEPS, "1. Switch the pump off.")) == of(
        STEPS, "1. Switch the pump off."
    )


def test_one_step_or_too_many_are_no_list():
    one = "Turn it.\n- Press the button.\nThen wait."
    assert with_steps("How do I start it?", chunk(one), of(one, "- Press the button.")) == of(
        one, "- Press the button."
    )
    many = "\n".join(f"- Press the button {n}." for n in range(MOST_CHARACTERS // 20))
    assert with_steps("How do I start it?", chunk(many), of(many, "- Press the button 7.")) == of(
        many, "- Press the button 7."
    )


def test_the_next_sentences_that_tell_what_to_do_are_steps_too():
    text = "If it smokes, do not open it. Sound the alarm, and get away. Start the pump. The pump is loud. Call us."
    span = with_steps("It smokes. What am I supposed to do?", chunk(text), of(text, "If it smokes, do not open it."))
    assert text[slice(*span)] == "If it smokes, do not open it. Sound the alarm, and get away. Start the pump."


def test_steps_end_with_their_paragraph():
    text = "Pull the plug.\n\nOpen the lid in spring."
    assert with_steps("How do I stop it?", chunk(text), of(text, "Pull the plug.")) == of(text, "Pull the plug.")
