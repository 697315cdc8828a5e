import re

import pytest

from eval.metrics.statistics import group_by
from eval.runs.forgetting import ask_instructions, compare_instructions, followed_shares, read_instructions
from fakes import Scripted
from rag.generation.prompt import REFUSAL

INSTRUCTIONS = read_instructions()


def test_there_are_enough_and_none_stands_there_twice():
    assert len(INSTRUCTIONS) >= 60
    for name in ("id", "instruction"):
        assert len({getattr(i, name) for i in INSTRUCTIONS}) == len(INSTRUCTIONS)
    groups = group_by(INSTRUCTIONS, lambda i: i.group)
    assert len(groups) >= 4 and all(len(members) >= 3 for members in groups.values())


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda i: i.id)
def test_the_good_output_passes_and_nothing_else_does(instruction):
    re.compile(instruction.pattern)
    assert instruction.passed(instruction.good) and instruction.passed(f"\n {instruction.good} \n")
    for wrong in (
        instruction.bad,
        REFUSAL,
        "",
        " \n",
        instruction.instruction,
        "I don't know.",
        "Answer the question in a few words.",
    ):
        assert not instruction.passed(wrong), wrong


def test_no_good_output_passes_for_many_instructions():
    """A pattern that takes anything would take other instructions' answers."""
    for instruction in INSTRUCTIONS:
        taken = [other.id for other in INSTRUCTIONS if other.id != instruction.id and instruction.passed(other.good)]
        assert len(taken) <= len(INSTRUCTIONS) / 5, (instruction.id, taken)


def test_instructions_are_asked_plainly_and_checked_and_listed_in_their_order(tiny_generator, tmp_path):
    generator = Scripted(tiny_generator.tokenizer, "Paris, I think")
    rows = ask_instructions(generator, tmp_path / "base.jsonl", "base")
    assert [row["id"] for row in rows] == [i.id for i in INSTRUCTIONS] and generator.asked == len(INSTRUCTIONS)
    assert [row["passed"] for row in rows] == [i.passed("Paris, I think") for i in INSTRUCTIONS] and any(
        row["passed"] for row in rows
    )
    assert all(row["output"] == "Paris, I think" for row in rows) and not any(
        "passages" in text for text in generator.prompts
    )
    assert (
        ask_instructions(
            Scripted(tiny_generator.tokenizer, raises=AssertionError("asked again")), tmp_path / "base.jsonl", "base"
        )
        == rows
    )


def rows(*values):
    return [{"id": f"i{n}", "group": "ab"[n % 2], "output": "", "passed": value} for n, value in enumerate(values)]


def test_shares_followed_by_hand():
    assert followed_shares(rows(True, False, True, True)) == {
        "n": 4,
        "followed": 0.75,
        "by_group": {"a": 1.0, "b": 0.5},
    }


def test_forgetting_by_hand():
    before, after = rows(*[True] * 7, False, True, False), rows(True, *[False] * 6, True, True, False)
    found = compare_instructions(before, after)
    assert (found["difference"], found["n"], found["mcnemar_p"]) == (-0.5, 10, 0.125)  # six lost, one gained
    assert found["lost"] == ["i1", "i2", "i3", "i4", "i5", "i6"] and found["gained"] == ["i7"]
    assert found["low"] < -0.5 < found["high"]
