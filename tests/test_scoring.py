import pytest

from rag.scoring import exact_match, normalize, overlaps, token_f1


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Long Mole.", "long mole"),
        ("an apple, a day", "apple day"),
        ("Another theatre", "another theatre"),
        ("08:30", "0830"),
        ("it's £1,500!", "its £1500"),
        ("The", ""),
        ("", ""),
        ("\n A\tB ", "b"),
    ],
)
def test_normalize_is_that_of_squad(text, normal):
    assert normalize(text) == normal


def test_exact_match_is_with_any_of_the_answers():
    assert exact_match("The 40 Tonnes.", ["forty", "40 tonnes"]) == 1.0
    assert exact_match("40 tonnes lifted", ["40 tonnes"]) == 0.0
    assert exact_match("anything", []) == 0.0


@pytest.mark.parametrize(
    ("prediction", "answers", "f1"),
    [
        ("the long mole", ["long mole"], 1.0),
        ("long mole wall", ["long mole"], 2 * (2 / 3) * 1 / (2 / 3 + 1)),
        ("mole mole", ["mole"], 2 / 3),
        ("crane", ["long mole"], 0.0),
        ("crane", ["long mole", "red crane"], 2 / 3),
        ("", ["mole"], 0.0),
        ("the", ["a"], 1.0),
        ("mole", [], 0.0),
    ],
)
def test_token_f1(prediction, answers, f1):
    assert token_f1(prediction, answers) == pytest.approx(f1)


@pytest.mark.parametrize(("spans", "shared"), [((0, 5, 4, 9), True), ((0, 5, 5, 9), False), ((3, 4, 0, 9), True), ((6, 9, 0, 6), False)])
def test_overlaps(spans, shared):
    assert overlaps(*spans) is shared
