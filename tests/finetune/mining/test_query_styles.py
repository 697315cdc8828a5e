import random
from collections import Counter

import pytest

from finetune.mining.query_styles import FULL, KEYWORDS, MISSPELT, apply_style, keywords, misspelt, pick_style


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much does the crane on the north quay lift?", "How much crane north quay lift"),
        ("What is the fee of £1,250.50 for Nan Stobbs's berth?", "fee £1,250.50 Nan Stobbs's berth"),
        ("When is 45% of Q2's dues paid at 08:30?", "When 45% Q2's dues paid 08:30"),
        ("In which year was the Long Mole finished?", "which year Long Mole finished"),
        ("The crane of the quay lifts most of what cargo?", "crane quay lifts most what cargo"),
        ("Who is the pilot?", None),
    ],
)
def test_keywords(question, expected):
    assert keywords(question) == expected


def test_one_word_has_a_slip_of_one_letter_and_it_is_no_name_and_no_number():
    question = "What does berthing at Lantern Quay in winter cost a visitor for 14 nights in 2026?"
    hit = Counter()
    for seed in range(200):
        changed = [
            (a, b)
            for a, b in zip(question.split(), misspelt(question, random.Random(seed)).split(), strict=True)
            if a != b
        ]
        assert len(changed) == 1 and all(a[0] == b[0] and abs(len(a) - len(b)) < 2 for a, b in changed)
        hit[changed[0][0]] += 1
    assert set(hit) == {"berthing", "winter", "visitor", "nights"} and min(hit.values()) > 20
    assert misspelt("Who is at Lantern?", random.Random(0)) is None


def test_each_style_has_its_share():
    rng = random.Random(0)
    counts = Counter(pick_style(rng, 0.1) for _ in range(3000))
    assert all(abs(counts[style] - 300) < 60 for style in (KEYWORDS, MISSPELT)) and counts[FULL] > 2200


@pytest.mark.parametrize("style", [FULL, KEYWORDS, MISSPELT])
def test_a_question_that_gives_no_other_style_stays_as_it_is_and_says_so(style):
    assert apply_style("Who is it?", style, random.Random(0)) == ("Who is it?", FULL)
    assert apply_style("Which pilot boards ships here?", style, random.Random(0))[1] == style
