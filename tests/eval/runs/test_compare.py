import argparse
import json

import pytest

from eval.cli.answers import run_compare
from eval.runs.compare import MEASURES, check_same, compare_generators, new_document_drop
from eval.runs.scored_files import read_scored
from rag.core.errors import DataError, EvaluationError
from rag.generation.prompt import REFUSAL
from rows import failed, scored, write


def rows(*f1s, refused=(), **measures):
    """Return answered questions of these F1, then unanswerable ones, refused or not."""
    answered = [scored(id=f"a{n}", measures={"f1": f1, "squad2_f1": f1, **measures}) for n, f1 in enumerate(f1s)]
    return answered + [scored(REFUSAL if yes else "40 tonnes", (), id=f"n{n}") for n, yes in enumerate(refused)]


def verdict(a, b):
    return compare_generators("base", a, "tuned", b)["verdict"]


def test_more_f1_or_more_right_refusals_is_better():
    assert verdict(rows(*[0.2] * 20), rows(*[0.9] * 20)).startswith(
        "tuned is better than base: F1 +0.700 [+0.700, +0.700], n=20"
    )
    assert verdict(rows(0.5, refused=[False] * 20), rows(0.5, refused=[True] * 20)).startswith(
        "tuned is better than base: F1 +0.000"
    )


def test_less_is_worse_and_the_sign_is_explained():
    found = verdict(rows(*[0.9] * 20, refused=[True]), rows(*[0.2] * 20, refused=[True]))
    assert found.startswith("base is better than tuned: F1 -0.700") and found.endswith("(tuned minus base)")


def test_better_at_one_and_worse_at_the_other_is_mixed():
    found = verdict(rows(*[0.2] * 20, refused=[True] * 20), rows(*[0.9] * 20, refused=[False] * 20))
    assert found.startswith("mixed, tuned is better than base at F1 and worse at right refusals: ")
    assert "; F1 over all questions -0.150 [" in found  # (20 * 0.7 - 20 * 1) / 40
    other = verdict(rows(*[0.9] * 20, refused=[False] * 20), rows(*[0.2] * 20, refused=[True] * 20))
    assert other.startswith("mixed, tuned is better than base at right refusals and worse at F1: ")


@pytest.mark.parametrize("tuned", [[0.5] * 20, [0.25, 0.75] * 10, [0.5] * 19 + [1.0], [0.5] * 19 + [0.0]])
def test_an_interval_that_holds_zero_shows_no_difference(tuned):
    assert verdict(rows(*[0.5] * 20), rows(*tuned)).startswith("no difference shown between base and tuned: F1 ")


def test_each_measure_counts_the_questions_that_it_is_of():
    found = compare_generators("a", rows(0.2, 0.4, refused=[True, False]), "b", rows(0.6, 0.4, refused=[True, True]))
    assert found["n"] == 4 and {name: m["n"] for name, m in found["measures"].items()} == {
        "F1": 2, "right refusals": 2, "F1 over all": 4, "exact match": 2, "contains": 2,
        "citation recall": 2, "wrong refusals": 2,
        "hallucinated": 4, "log-likelihood of the answer": 2}  # fmt: skip
    f1, refusals, overall = (found["measures"][name] for name in ("F1", "right refusals", "F1 over all"))
    assert (f1["a"], f1["b"], f1["difference"], f1["wins"], f1["ties"], f1["losses"]) == (0.3, 0.5, 0.2, 1, 1, 0)
    assert (refusals["a"], refusals["b"], refusals["wins"], refusals["ties"]) == (0.5, 1.0, 1, 1)
    assert (overall["a"], overall["b"]) == (0.4, 0.75)  # (0.2 + 0.4 + 1 + 0) / 4 and (0.6 + 0.4 + 1 + 1) / 4


def test_where_less_is_better_less_wins():
    a, b = [scored(REFUSAL, id="1"), scored(id="2"), scored(id="3")], [scored(id="1"), scored(id="2"), scored(id="3")]
    found = compare_generators("a", a, "b", b)["measures"]["wrong refusals"]
    assert (found["difference"], found["wins"], found["ties"], found["losses"], found["better"]) == (
        -0.3333,
        1,
        2,
        0,
        -1,
    )
    made_up = compare_generators("a", rows(refused=[True, True]), "b", rows(refused=[True, False]))["measures"][
        "hallucinated"
    ]
    assert (made_up["difference"], made_up["wins"], made_up["losses"]) == (0.5, 0, 1)


def test_mcnemar_is_of_yes_or_no_measures_alone():
    a = rows(*[1.0] * 7)
    b = [scored(id=row["id"], measures={"exact_match": float(n > 0)}) for n, row in enumerate(a)]
    a = [scored(id=row["id"], measures={"exact_match": float(n == 0)}) for n, row in enumerate(a)]
    found = compare_generators("a", a, "b", b)["measures"]
    assert found["exact match"]["mcnemar_p"] == 0.125  # only a: 1, only b: 6
    assert {name for name, m in found.items() if "mcnemar_p" in m} == {
        "exact match",
        "contains",
        "right refusals",
        "wrong refusals",
        "hallucinated",
    }
    assert found["contains"]["mcnemar_p"] == 1.0


def test_a_measure_that_one_side_does_not_know_is_left_out():
    known, unknown = scored(id="1"), scored(id="1", measures={"citation_recall": None}, gold_logprobs=[])
    found = compare_generators("a", [known, scored(id="2")], "b", [unknown, scored(id="2")])["measures"]
    assert (found["citation recall"]["n"], found["log-likelihood of the answer"]["n"], found["F1"]["n"]) == (1, 1, 2)


def test_log_likelihood_is_a_mean_over_tokens():
    a, b = scored(gold_logprobs=[-1.0, -2.0]), scored(gold_logprobs=[-1.0, -0.5, -0.5, 0.0])
    assert compare_generators("a", [a], "b", [b])["measures"]["log-likelihood of the answer"]["difference"] == 1.0


def test_what_either_failed_on_is_left_out():
    a = [*rows(0.0, 0.5), failed(id="x"), scored(id="y", measures={"f1": 1.0})]
    b = [*rows(0.5, 0.5), scored(id="x", measures={"f1": 1.0}), failed(id="y")]
    found = compare_generators("a", a, "b", b)
    assert found["n"] == 2 and found["measures"]["F1"]["n"] == 2 and found["measures"]["F1"]["difference"] == 0.25


@pytest.mark.parametrize(
    "other",
    [
        [scored(id="other")],
        [scored(question="How little?")],
        [scored(answers=("41 tonnes",))],
        [],
        [scored(), scored(id="r")],
        [scored(id="r"), scored()],
    ],
    ids=["id", "question", "answers", "fewer", "more", "order"],
)
def test_other_questions_are_refused(other):
    mine = [scored(), scored(id="r")] if len(other) == 2 and other[0]["id"] == "r" else [scored()]
    with pytest.raises(EvaluationError, match="one and two answered different questions"):
        check_same("one", mine, "two", other)


def test_other_passages_are_refused_and_a_failure_has_none():
    other = scored(id="2", passages=[{"document": "crane.md", "start": 0, "end": 27}])
    with pytest.raises(EvaluationError, match=r"saw different passages for 1 questions \(first: 2\)"):
        compare_generators("one", [scored(id="1"), scored(id="2")], "two", [scored(id="1"), other])
    check_same("one", [scored(id="2")], "two", [failed(id="2")])
    elsewhere = [
        {name: value for name, value in scored().items() if name != "passages"}
    ]  # predictions made elsewhere name no passages
    check_same("one", elsewhere, "two", elsewhere)


def test_drop_is_new_documents_minus_seen_ones_by_hand():
    def of(part, *f1s, **more):
        return [{**row, "part": part} for row in rows(*f1s, **more)]

    done = (
        of("mined", *[0.8] * 5, refused=[True] * 2)
        + of("incoming", *[0.3] * 3)
        + of("unmined", 0.0)
        + [failed(part="incoming")]
    )
    found = new_document_drop(done)
    assert set(found) == {"F1"}  # no unanswerable question is about a new document
    f1 = found["F1"]
    assert (f1["difference"], f1["low"], f1["high"], f1["seen"], f1["new"], f1["n_seen"], f1["n_new"]) == (
        -0.5,
        -0.5,
        -0.5,
        0.8,
        0.3,
        5,
        3,
    )
    assert set(new_document_drop(done + of("incoming", refused=[True, False]))) == {"F1", "right refusals"}
    assert new_document_drop(of("mined", 0.5)) == new_document_drop(of("incoming", 0.5)) == new_document_drop([]) == {}


def test_scored_rows_are_read_from_a_run_or_a_file(tmp_path):
    for name in ("base", "tuned"):
        write(tmp_path / f"{name}.scored.jsonl", [scored(question="How\u2028much?"), failed(id="x")])
        (tmp_path / f"{name}.jsonl").write_text("not read\n")
    assert read_scored(tmp_path) == {
        name: [scored(question="How\u2028much?"), failed(id="x")] for name in ("base", "tuned")
    }
    assert list(read_scored(tmp_path / "tuned.scored.jsonl")) == ["tuned"]


def test_a_scored_file_that_does_not_end_in_a_line_feed_is_read_whole_and_left_alone(tmp_path):
    path = write(tmp_path / "base.scored.jsonl", [scored(id="1"), scored(id="2")], end="")
    before = path.read_bytes()
    assert [row["id"] for row in read_scored(path)["base"]] == ["1", "2"]
    assert path.read_bytes() == before


def test_what_is_no_finished_run_is_an_error_that_names_it(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "run.json").write_text('{"rows": 4}')
    for place in ("empty", "gone", "stage"):
        with pytest.raises(EvaluationError, match=f"{place} is no finished run"):
            read_scored(tmp_path / place)
    unscored = write(tmp_path / "raw.jsonl", [{"id": "1", "text": "x"}])
    with pytest.raises(EvaluationError, match="raw.jsonl holds predictions without measures: python -m eval score"):
        read_scored(unscored)
    broken = write(tmp_path / "broken.scored.jsonl", ["{"])
    with pytest.raises(DataError, match="broken.scored.jsonl"):
        read_scored(broken)


def test_the_compare_command_prints_the_verdict_and_the_comparison_alone(tmp_path, capsys):
    files = [write(tmp_path / f"{name}.scored.jsonl", rows(*[f1] * 20)) for name, f1 in (("base", 0.2), ("tuned", 0.9))]
    run_compare(argparse.Namespace(runs=files, json=tmp_path / "out.json"), None)
    out = capsys.readouterr().out
    assert out.startswith("tuned is better than base") and "tuned against base, paired by question" in out
    assert "Answers" not in out  # a table of the generators would have no columns
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["n"] == 20 and list(found["comparisons"][0]["measures"]) == [m.name for m in MEASURES]
    with pytest.raises(EvaluationError, match="at least two generators"):
        run_compare(argparse.Namespace(runs=files[:1], json=None), None)
