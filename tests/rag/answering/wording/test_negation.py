import pytest

from rag.answering.wording.negation import negation_mismatch


@pytest.mark.parametrize(
    ("question", "sentence", "found"),
    [
        ("What does the fee not cover?", "The fee covers water and power.", True),
        ("What doesn't the fee cover?", "The fee covers water, but never power.", False),
        ("Who can’t moor there?", "Yachts moor there.", True),
        ("What does the fee cover?", "It does not cover power.", False),
        ("Where is berth No. 4?", "Berth 4 is by the Mole.", False),
        ("Which stoves may I not have?", "Fan heaters are banned.", False),
        ("Whether or not it is let, who pays?", "The owner pays.", False),
        ("Qui ne paie pas ?", "Tout le monde paie.", False),
    ],
)
def test_a_question_that_denies_what_the_sentence_asserts(question, sentence, found):
    assert negation_mismatch(question, sentence) is found
