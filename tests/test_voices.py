import random
from collections import Counter

import pytest

from finetune.voices import FULL, KEYWORDS, MISSPELT, keywords, misspelt, pick_voice, speak


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How much does the crane on the north quay lift?", "crane north quay lift"),
        ("What is the fee of £1,250.50 for Nan Stobbs's berth?", "fee £1,250.50 Nan Stobbs's berth"),
        ("Who is the pilot?", None),
    ],
)
def test_keywords(question, said):
    assert keywords(question) == said


def test_a_slip_changes_one_or_two_long_words_by_one_letter_and_no_number():
    question = "What does berthing at Lantern Quay cost a visitor for 14 nights in 2026?"
    for seed in range(200):
        said = misspelt(question, random.Random(seed)).split()
        changed = [(a, b) for a, b in zip(question.split(), said, strict=True) if a != b]
        assert len(changed) == 1 and all(a[0] == b[0] and abs(len(a) - len(b)) < 2 and not any(c.isdigit() for c in a) for a, b in changed)
    assert misspelt("Who is it?", random.Random(0)) == "Who is it?"


def test_five_long_words_have_two_slips():
    question = "Which visitors wanted another berth yesterday?"
    assert sum(a != b for a, b in zip(question.split(), misspelt(question, random.Random(0)).split(), strict=True)) == 2


def test_each_voice_has_its_share_and_too_few_keywords_stay_a_question():
    rng = random.Random(0)
    counts = Counter(pick_voice(rng, 0.1) for _ in range(3000))
    assert all(abs(counts[voice] - 300) < 60 for voice in (KEYWORDS, MISSPELT)) and counts[FULL] > 2200
    assert speak("Who is the pilot?", KEYWORDS, rng) == speak("Who is the pilot?", FULL, rng) == "Who is the pilot?"
