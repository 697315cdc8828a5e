"""Outputs that are wrong for a row, and the check that each fails."""

import dataclasses
import random

import pytest

from fakes import passage
from finetune.data.rows import TrainingRow
from finetune.generator.preference_pairs import failed_check, near_miss
from rag.generation.prompt import REFUSAL

QUESTION = "How much does the crane lift?"


TEXTS = (
    "It closed on 30 June 2025. In June 2025 the port was quiet.",
    "The crane lifts 40 tonnes.",
    "The office opens at 08:30 on Mondays.",
)
PASSAGES = tuple(passage(text, f"{n}.md").chunk for n, text in enumerate(TEXTS))


def row(answer="30 June 2025", cited=1):
    return TrainingRow("id", QUESTION, answer, "answerable" if cited else "left out", "0.md", (0, 9), PASSAGES, cited)


@pytest.mark.parametrize(
    ("output", "cited", "found"),
    [
        ("30 June 2025 [1]", 1, None),
        ("on 30 June 2025 [1]", 1, None),
        ("30 June 2025 [2]", 1, "wrong citation"),
        ("30 June 2025 [1] [2]", 1, "wrong citation"),
        ("30 June 2025", 1, "no citation"),
        ("40 tonnes [1]", 1, "wrong span"),
        ("", 1, "wrong span"),
        (REFUSAL, 1, "refuses when it should answer"),
        (REFUSAL, 0, None),
        ("30 June 2025 [1]", 0, "answers when it should refuse"),
    ],
)
def test_an_output_fails_the_check_that_is_named(output, cited, found):
    assert failed_check(output, row(cited=cited)) == found


@pytest.mark.parametrize(
    "given", [row(), row(cited=0), row("40 tonnes", 2), row("08:30", 3), row("June 2025", 1)], ids=lambda r: r.target
)
def test_a_near_miss_fails_the_check_that_it_names_and_the_target_none(given):
    reasons = set()
    for seed in range(60):
        output, reason = near_miss(given, random.Random(seed))
        assert failed_check(output, given) == reason, output
        reasons.add(reason)
    of_answers = {"refuses when it should answer", "wrong citation", "wrong span"}
    assert reasons == (of_answers if given.cited else {"answers when it should refuse"})
    assert failed_check(given.target, given) is None


def test_a_wrong_span_is_of_the_right_passage_and_kind_if_there_is_one():
    texts = ("It opened on 3 May 2024, closed on 30 June 2025 and cost £300.", "A storm came on 9 July 2024.")
    given = TrainingRow(
        "id",
        QUESTION,
        "30 June 2025",
        "answerable",
        "0.md",
        (0, 9),
        tuple(passage(t, f"{n}.md").chunk for n, t in enumerate(texts)),
        1,
    )
    assert wrong_spans(given) == {"3 May 2024 [1]"}
    elsewhere = dataclasses.replace(given, passages=(passage("It closed on 30 June 2025.").chunk, given.passages[1]))
    assert wrong_spans(elsewhere) == {"9 July 2024 [2]"}


def wrong_spans(given):
    """Return the wrong spans among many near misses of a row."""
    misses = [near_miss(given, random.Random(seed)) for seed in range(40)]
    return {output for output, reason in misses if reason == "wrong span"}
