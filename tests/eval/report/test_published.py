import json
from pathlib import Path

import pytest

from eval.report.published import BEGIN, END, compared, figures, look_up, read_published, reproduce, table, with_table
from eval.runs.compare import MEASURES
from rag.core.errors import EvaluationError

ROOT = Path(__file__).parents[3]
TOML = """
[[result]]
name = "gold"
command = "cp made.json gold.json"
file = "gold.json"
about = "gold, 4 questions"
verdict = "Tuned is better."
tolerance = 0.01
[result.tolerances]
perplexity = 0.5
"refusal.f1" = 0.2
[result.figures."generators.base"]
f1 = 0.1
"refusal.f1" = 0.25
[result.figures."generators.tuned"]
f1 = 0.5
perplexity = 30.0
[result.figures."comparisons.0.measures.F1"]
difference = 0.4

[[result]]
name = "other"
command = "false"
file = "other.json"
about = "other"
verdict = ""
tolerance = 0.0
[result.figures."generators.base"]
exact_match = 1.0
"""
FOUND = {
    "generators": {"base": {"f1": 0.1, "refusal": {"f1": 0.25}}, "tuned": {"f1": 0.5, "perplexity": 30.0}},
    "comparisons": [{"measures": {"F1": {"difference": 0.4}}}],
}


@pytest.fixture
def published(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "published.toml").write_text(TOML)
    (tmp_path / "made.json").write_text(json.dumps(FOUND))
    return tmp_path / "published.toml"


def test_figures_are_named_by_their_path_in_what_the_command_writes(published):
    gold, other = read_published(published)
    assert figures(gold) == [
        ("generators.base", "f1", 0.1), ("generators.base", "refusal.f1", 0.25), ("generators.tuned", "f1", 0.5), ("generators.tuned", "perplexity", 30.0),
        ("comparisons.0.measures.F1", "difference", 0.4),
    ]  # fmt: skip
    assert figures(other) == [("generators.base", "exact_match", 1.0)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("generators.base.refusal.f1", 0.25), ("comparisons.0.measures.F1.difference", 0.4), ("generators.none.f1", None), ("comparisons.1.measures", None),
     ("generators.base.f1.more", None), ("comparisons.first.measures", None), ("generators.base.f", None)],
)  # fmt: skip
def test_a_figure_is_looked_up_by_its_path_and_is_none_where_there_is_none(name, value):
    assert look_up(FOUND, name) == value


def test_every_measure_of_a_comparison_can_be_published():
    found = {"comparisons": [{"measures": {m.name: {"difference": 0.5} for m in MEASURES}}]}
    assert {m.name: look_up(found, f"comparisons.0.measures.{m.name}.difference") for m in MEASURES} == {
        m.name: 0.5 for m in MEASURES
    }


def changed(**values):
    found = json.loads(json.dumps(FOUND))
    found["generators"]["tuned"] |= values
    return found


@pytest.mark.parametrize(
    ("values", "off"),
    [({}, []), ({"f1": 0.509}, []), ({"f1": 0.491}, []), ({"f1": 0.52}, ["f1"]), ({"f1": 0.48}, ["f1"]), ({"f1": None}, ["f1"]),
     ({"perplexity": 30.4}, []), ({"perplexity": 29.4}, ["perplexity"]), ({"f1": 1.0, "perplexity": 1.0}, ["f1", "perplexity"])],
)  # fmt: skip
def test_a_figure_may_be_off_by_its_tolerance(published, values, off):
    lines = compared(read_published(published)[0], changed(**values))
    assert len(lines) == 5 and [
        line.split()[1].removeprefix("generators.tuned.") for line, same in lines if not same
    ] == [f"{name}:" for name in off]
    assert all(line.startswith("same" if same else "OFF ") for line, same in lines)
    assert "generators.tuned.f1: published 0.5, now" in lines[2][0]


def test_a_tolerance_is_named_by_the_path_of_its_figure(published):
    found = changed()
    found["generators"]["base"] = {"f1": 0.1, "refusal": {"f1": 0.4}}
    assert all(same for _, same in compared(read_published(published)[0], found))
    found["generators"]["base"]["f1"] = 0.2  # another figure whose name ends alike
    assert [same for _, same in compared(read_published(published)[0], found)] == [False, True, True, True, True]


def test_the_table_has_a_row_for_each_generator_and_the_commands_below(published):
    assert table(read_published(published)) == "\n".join([
        "| questions | generator | f1 | refusal f1 | perplexity | exact match |",
        "| --- | --- | --- | --- | --- | --- |",
        "| gold, 4 questions | base | 0.100 | 0.250 |  |  |",
        "| gold, 4 questions | tuned | 0.500 |  | 30.000 |  |",
        "| other | base |  |  |  | 1.000 |",
        "",
        "- gold, 4 questions: `cp made.json gold.json`. Tuned is better.",
        "- other: `false`. ",
    ])  # fmt: skip


def test_only_what_stands_between_the_marks_is_made_anew(published):
    results = read_published(published)
    before = f"# Title\n\n{BEGIN}\nold figures\n{END}\n\nAfter.\n"
    after = with_table(before, results)
    assert after == f"# Title\n\n{BEGIN}\n{table(results)}\n{END}\n\nAfter.\n" and with_table(after, results) == after


@pytest.mark.parametrize("readme", ["", f"{BEGIN}\n", f"{END}\n", f"{END}\n{BEGIN}\n"])
def test_a_readme_without_the_marks_is_refused(published, readme):
    with pytest.raises(EvaluationError, match="lacks the marks"):
        with_table(readme, read_published(published))


def test_reproducing_runs_the_command_and_tells_each_figure(published, capfd):
    reproduce("gold", published)
    lines = capfd.readouterr().out.splitlines()
    assert (
        lines[0] == "--- gold: cp made.json gold.json"
        and len(lines) == 6
        and all(line.startswith("same ") for line in lines[1:])
    )


def test_reproducing_fails_when_a_figure_is_off_a_command_fails_or_a_name_is_unknown(published, tmp_path):
    (tmp_path / "made.json").write_text(json.dumps(changed(f1=0.6, perplexity=31.0)))
    with pytest.raises(EvaluationError, match="^2 published figures are not what their commands give here"):
        reproduce("gold", published)
    with pytest.raises(EvaluationError, match="the command of other failed: false"):
        reproduce("other", published)
    with pytest.raises(EvaluationError, match="no result is called best; there are gold, other"):
        reproduce("best", published)


def test_readmes_table_is_made_from_the_published_figures():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_table(readme, read_published()) == readme
    assert {prefix.split(".")[0] for r in read_published() for prefix in r["figures"]} == {
        "generators",
        "comparisons",
        "retrieval",
        "judges",
    }
