from dataclasses import replace

from fakes import passage
from rag.answering.answer import Answer
from rag.answering.comparisons.comparing import compare, refused, says_difference
from rag.answering.comparisons.sub_questions import split_question
from rag.answering.evidence.grounding import cite
from rag.generation.prompt import REFUSAL

LEAVE = "How many more days' notice does an engineer need than a deckhand?"


def answer(text: str, *passages, confidence: float = 0.8) -> Answer:
    """The answer that the first of the passages gives with all of its text."""
    chunk = passages[0].chunk
    return Answer(text, False, confidence, [cite(chunk, 1, 0, len(chunk.text))], list(passages), text, kind="span")


ENGINEER = passage("An engineer gives 28 days of notice.", "crew.md")
DECKHAND = passage("Deckhands give 14 days of notice.", "deck.md")
OTHER = passage("The galley opens at noon.", "galley.md")


def test_two_values_become_a_sum_that_cites_both():
    found = compare(
        split_question(LEAVE), answer("28 days", ENGINEER, OTHER), answer("14 days", DECKHAND, ENGINEER), 0.2
    )
    assert found.text == "28 days [1] − 14 days [3] = 14 days"
    assert (found.kind, found.confidence, found.refused) == ("difference", 0.64, False)
    assert [passage.chunk.document for passage in found.passages] == ["crew.md", "galley.md", "deck.md"]
    assert [(citation.passage, citation.document) for citation in found.citations] == [(1, "crew.md"), (3, "deck.md")]
    for citation in found.citations:
        chunk = found.passages[citation.passage - 1].chunk
        assert citation.quote == chunk.text[citation.start - chunk.start : citation.end - chunk.start]


def test_the_larger_value_stands_first_whatever_the_question_named_first():
    found = compare(split_question(LEAVE), answer("10 days", ENGINEER), answer("14 days", DECKHAND), 0.2)
    assert found.text == "14 days [2] − 10 days [1] = 4 days"


def test_values_without_a_difference_are_told_side_by_side():
    found = compare(split_question(LEAVE), answer("28 days", ENGINEER), answer("two weeks", DECKHAND), 0.2)
    assert (found.text, found.kind) == ("an engineer: 28 days [1]; a deckhand: two weeks [2]", "comparison")


def test_values_that_cannot_stand_beside_each_other_are_no_comparison():
    parts = split_question(LEAVE)
    assert compare(parts, answer("14.8", ENGINEER), answer("£126,000", DECKHAND), 0.2) is None
    assert compare(parts, answer("in spring", ENGINEER), answer("14 days", DECKHAND), 0.2) is None


def test_a_comparison_tells_what_the_passages_say_of_both():
    parts = split_question("What is the difference between a bailee note and a lien note?")
    one, other = (
        passage("A bailee note says who holds goods.", "a.md"),
        passage("A lien note says who is owed.", "b.md"),
    )
    found = compare(parts, answer("who holds goods", one), answer("who is owed", other), 0.2)
    assert found.text == "A bailee note says who holds goods. A lien note says who is owed."
    assert [citation.document for citation in found.citations] == ["a.md", "b.md"] and found.kind == "comparison"


def test_without_evidence_that_names_each_side_there_is_no_difference():
    assert compare(split_question(LEAVE), answer("28 days", ENGINEER), answer("9 days", OTHER), 0.2) is None
    assert compare(split_question(LEAVE), answer("28 days", ENGINEER), answer("28 days", ENGINEER), 0.2) is None


def test_a_missing_or_unsure_side_is_no_comparison():
    sure = answer("28 days", ENGINEER)
    assert compare(split_question(LEAVE), sure, refused(answer("14 days", DECKHAND)), 0.2) is None
    assert compare(split_question(LEAVE), sure, answer("14 days", DECKHAND, confidence=0.2), 0.2) is None


def test_of_two_questions_the_one_with_an_answer_is_told_and_which_has_none():
    parts = split_question("When was the mole built, and who paid for the mole?")
    built = answer("1998", passage("The mole was built in 1998.", "mole.md"), confidence=0.7)
    found = compare(parts, built, refused(answer("a bank", OTHER)), 0.2)
    assert found.text == "1998 [1]; not in the documents: who paid for the mole?"
    assert (found.confidence, found.refused, found.kind) == (0.7, False, "comparison")


def test_one_value_alone_is_refused_unless_its_evidence_compares():
    one = answer("28 days", ENGINEER)
    assert not says_difference(one)
    assert says_difference(answer("14 days", passage("Engineers need 14 days more than deckhands.")))
    refusal = refused(replace(one, confidence=0.7))
    assert (refusal.text, refusal.refused, refusal.citations, refusal.kind) == (REFUSAL, True, [], "refusal")
    assert refusal.confidence == 0.3


def test_evidence_that_compares_tells_a_difference():
    for words in ("The limit was raised by 5 kg.", "It closes an hour later in summer.", "It rose by nearly £3."):
        assert says_difference(answer(words, passage(words, "a.md")))
    assert not says_difference(answer("4.2 m", passage("The limit, set by the board, is 4.2 m.", "a.md")))
