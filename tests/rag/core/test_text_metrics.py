import pytest

from rag.core.text_metrics import exact_match, normalize, overlaps, token_f1


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


@pytest.mark.parametrize(
    ("spans", "shared"), [((0, 5, 4, 9), True), ((0, 5, 5, 9), False), ((3, 4, 0, 9), True), ((6, 9, 0, 6), False)]
)
def test_overlaps(spans, shared):
    assert overlaps(*spans) is shared


def f1(common, said, wanted):
    """The harmonic mean of precision and recall, of words in common, words said and words wanted."""
    precision, recall = common / said, common / wanted
    return 2 * precision * recall / (precision + recall)


# The definition of evaluate-v2.0.py, worked by hand: normalize both (lower case, no ASCII punctuation, no articles,
# single spaces); exact match is equality; F1 counts words with repetition; if either side has no words, F1 is 1
# where both have none, else 0; the best over the answers counts, but answers that become empty are left out where
# there are others.
@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "wanted"),
    [
        ("40 tonnes", ["40 tonnes"], 1, f1(2, 2, 2)),
        ("The 40 Tonnes.", ["40 tonnes"], 1, f1(2, 2, 2)),
        ("40", ["40 tonnes"], 0, f1(1, 1, 2)),  # 2 * 1 * (1/2) / (3/2) = 2/3
        ("about 40 tonnes a day", ["40 tonnes"], 0, f1(2, 4, 2)),  # the article does not count: about, 40, tonnes, day
        ("tonnes 40", ["40 tonnes"], 0, f1(2, 2, 2)),  # F1 knows no order
        ("long long mole", ["long mole"], 0, f1(2, 3, 2)),  # the second "long" finds no partner
        ("long mole", ["long long mole"], 0, f1(2, 2, 3)),
        ("mole mole mole", ["mole mole"], 0, f1(2, 3, 2)),
        ("red crane", ["green mole"], 0, 0),
        ("red crane", ["green mole", "a crane", "the red crane on the quay"], 0, f1(1, 2, 1)),  # the third has 2/3 too
        ("red crane", ["crane", "red crane on quay three"], 0, max(f1(1, 2, 1), f1(2, 2, 5))),  # 2/3 and 4/7
        ("U.S.", ["us"], 1, 1),  # points go, so one word
        ("well-known", ["well known"], 0, 0),  # a hyphen goes without leaving a space: wellknown
        ("A-frame", ["frame"], 0, 0),  # punctuation goes before articles: aframe
        ("40–50", ["40-50"], 0, 0),  # an en dash is no ASCII punctuation: 40–50 and 4050
        ("£1,500", ["1500"], 0, 0),  # nor is a pound sign
        ("$1,500", ["1500"], 1, 1),
        ("Theatre and anthem", ["theatre anthem"], 0, f1(2, 3, 2)),  # articles are whole words
        ("the theatre", ["a Theatre!"], 1, 1),
        ("STÖRUNG", ["Störung"], 1, 1),
        ("\t40\n\ntonnes ", ["40 tonnes"], 1, 1),
        ("", ["mole"], 0, 0),
        ("the", ["mole"], 0, 0),
        ("mole", ["the"], 0, 0),  # the only answer, of which nothing is left
        ("an", ["the"], 1, 1),
        ("an", ["the", "mole"], 0, 0),  # "the" is left out, since there is "mole"
        ("", ["...", "mole"], 0, 0),
        ("mole", ["...", "mole"], 1, 1),
    ],
)
def test_exact_match_and_f1_are_those_of_squads_published_scorer(prediction, answers, exact, wanted):
    assert exact_match(prediction, answers) == exact
    assert token_f1(prediction, answers) == pytest.approx(wanted)
