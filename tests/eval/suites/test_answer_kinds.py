import pytest

from eval.suites.answer_kinds import as_text, judge, kind_figures


def row(text: str, refused: bool = False, answers=("x",), evidence=(), cited=()) -> dict:
    return {
        "text": text,
        "refused": refused,
        "answers": list(answers),
        "evidence": [{"document": "a.md", "start": s, "end": e} for s, e in evidence],
        "cited": [{"document": "a.md", "start": s, "end": e} for s, e in cited],
    }


ITEMS = {"kind": "list", "items": [{"answers": ["coastguard"]}, {"answers": ["duty pilot", "the pilot"]}]}


@pytest.mark.parametrize(
    "said, share, outcome",
    [
        ("The coastguard, and the duty pilot.", 1.0, "whole"),
        ("the coastguard", 0.5, "part"),
        ("coastguard, duty pilot, fire brigade, harbour master, lock keeper", 1.0, "part"),
        ("the lifeguard", 0.0, "wrong"),
    ],
)
def test_a_list_is_judged_by_its_items(said, share, outcome):
    found = judge(row(said), ITEMS)
    assert (found["share"], found["outcome"]) == (share, outcome)


def test_yes_or_no_must_be_said():
    asked = {"kind": "yes-no", "polarity": "no"}
    assert judge(row("No. Dogs stay ashore."), asked)["outcome"] == "whole"
    assert judge(row("Yes. Dogs may come."), asked)["outcome"] == "wrong"
    assert judge(row("Dogs stay ashore; no cats."), asked)["outcome"] == "wrong"


def test_a_difference_must_be_told():
    asked = {"kind": "difference", "answers": ["4 days", "four days"]}
    assert judge(row("14 days [1] − 10 days [2] = 4 days"), asked)["share"] == 1.0
    assert judge(row("14 days"), asked)["share"] == 0.0


def test_steps_are_judged_by_their_sentences():
    asked = {"kind": "steps", "evidence": [{"text": "Pull the plug."}, {"text": "Write down\nthe time."}]}
    assert judge(row("Pull the plug. Write down the time."), asked)["outcome"] == "whole"
    assert judge(row("Pull the plug."), asked)["outcome"] == "part"


def test_evidence_is_cited_where_a_quote_overlaps_it():
    assert judge(row("coastguard", evidence=[(10, 20)], cited=[(0, 11)]), ITEMS)["cites"] is True
    assert judge(row("coastguard", evidence=[(10, 20)], cited=[(0, 10)]), ITEMS)["cites"] is False


def test_only_a_refusal_is_right_where_nothing_answers():
    asked = {"kind": "unanswerable"}
    assert judge(row("", refused=True, answers=()), asked)["outcome"] == "whole"
    assert judge(row("ten", answers=()), asked)["outcome"] == "wrong"
    assert judge(row("", refused=True), ITEMS)["outcome"] == "refused"


def test_figures_count_outcomes_and_citations():
    rows = [judge(row("coastguard", evidence=[(0, 9)], cited=[(0, 9)]), ITEMS), judge(row("", refused=True), ITEMS)]
    found = kind_figures(rows)
    assert (found["n"], found["part"], found["refused"], found["cites"], found["given"]) == (2, 1, 1, 1, 1)
    assert found["share"] == 0.25
    assert "| list | 2 | 0 | 1 | 1 | 0 | 0.250 | 1 of 1 |" in as_text({"all": found, "by_kind": {"list": found}})
