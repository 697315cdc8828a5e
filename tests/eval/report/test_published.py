import json
from pathlib import Path

import pytest

from eval.report.published import Figure, compare_figures, look_up, read_published, reproduce
from eval.runs.compare import MEASURES
from rag.core.errors import EvaluationError

TOML = """
[machines]
small = "two cores"

[[result]]
name = "gold"
title = "Gold"
command = "cp made.json gold.json"
file = "gold.json"
commit = "abc"
machine = "small"
chosen_on = "Nothing."
[result.figures."generators.base"]
f1 = { value = 0.1, n = 212 }
"refusal.recall" = { value = 0.5, n = 72 }
[result.figures."generators.tuned"]
f1 = { value = 0.33, n = 212 }
perplexity = { value = 30.0, relative = 0.05 }
[result.figures."comparisons.0.measures.F1"]
difference = { value = 0.23, low = 0.18, high = 0.28, n = 212 }

[[result]]
name = "other"
title = "Other"
command = "false"
file = "other.json"
commit = "abc"
machine = "small"
chosen_on = "Nothing."
tolerance = 0.01
[result.figures."100000"]
"open s" = { value = 0.3 }

[[result]]
name = "old"
title = "Old"
command = "false"
commit = "abc"
machine = "small"
chosen_on = "Nothing."
not_rerun = "it took a year"
[result.figures."base"]
f1 = { value = 0.3, n = 10 }
"""
FOUND = {
    "generators": {"base": {"f1": 0.1, "refusal": {"recall": 0.5}}, "tuned": {"f1": 0.33, "perplexity": 30.0}},
    "comparisons": [{"measures": {"F1": {"difference": 0.23}}}],
}


@pytest.fixture
def published(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "published.toml").write_text(TOML)
    (tmp_path / "made.json").write_text(json.dumps(FOUND))
    return tmp_path / "published.toml"


def changed(generator="tuned", **values):
    found = json.loads(json.dumps(FOUND))
    found["generators"][generator] |= values
    return found


def off(published, found):
    result = read_published(published)[0]
    return [line.split()[1].rstrip(":") for line, same in compare_figures(result, found) if not same]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("generators.base.refusal.recall", 0.5),
        ("comparisons.0.measures.F1.difference", 0.23),
        ("generators.none.f1", None),
        ("comparisons.1.measures", None),
        ("generators.base.f1.more", None),
        ("comparisons.first.measures", None),
        ("generators.base.f", None),
    ],
)
def test_a_figure_is_looked_up_by_its_path_and_is_none_where_there_is_none(name, value):
    assert look_up(FOUND, name) == value


def test_a_key_may_hold_dots():
    found = {"llama.cpp": {"answer": 2.0}, "0.25": {"generators": [{"f1": 0.5}]}, "a": {"b": {"c": 1}}, "a.b": {"d": 2}}
    assert look_up(found, "llama.cpp.answer") == 2.0 and look_up(found, "0.25.generators.0.f1") == 0.5
    assert look_up(found, "a.b.c") == 1 and look_up(found, "a.b.d") == 2


def test_every_measure_of_a_comparison_can_be_published():
    found = {"comparisons": [{"measures": {m.name: {"difference": 0.5} for m in MEASURES}}]}
    paths = {m.name: f"comparisons.0.measures.{m.name}.difference" for m in MEASURES}
    assert {name: look_up(found, path) for name, path in paths.items()} == dict.fromkeys(paths, 0.5)


@pytest.mark.parametrize(
    ("figure", "allowed"),
    [
        ({"value": 0.5, "n": 100}, 0.1),  # two standard errors: 2 * sqrt(0.25 / 100)
        ({"value": 0.1, "n": 100}, 0.06),
        ({"value": 0.0, "n": 100}, 0.02),  # two questions
        ({"value": 1.0, "n": 10}, 0.2),
        ({"value": -0.3, "low": -0.4, "high": -0.2, "n": 72}, 0.1),
        ({"value": 30.0, "n": 212, "relative": 0.05}, 1.5),
        ({"value": 0.5, "n": 100, "tolerance": 0.01}, 0.01),
    ],
)
def test_what_is_allowed_follows_from_the_figure(figure, allowed):
    assert Figure("g", "k", **figure).allowed() == pytest.approx(allowed)


def test_a_figure_that_says_nothing_of_its_precision_is_an_error():
    for figure in (Figure("g", "k", 30.0, n=10), Figure("g", "k", 0.5)):
        with pytest.raises(EvaluationError, match="does not say how far g.k may be off"):
            figure.allowed()


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (changed(), []),
        (changed(f1=0.30), []),  # within two standard errors of 212 questions
        (changed(f1=0.25), ["generators.tuned.f1"]),  # a broken generator
        (changed("base", refusal={"recall": 0.45}), []),
        (changed("base", refusal={"recall": 0.30}), ["generators.base.refusal.recall"]),
        (changed(f1=None), ["generators.tuned.f1"]),
        (changed(perplexity=31.4), []),
        (changed(perplexity=31.6), ["generators.tuned.perplexity"]),
        ({**FOUND, "comparisons": []}, ["comparisons.0.measures.F1.difference"]),
    ],
)
def test_a_plausible_breakage_is_off_and_noise_is_not(published, found, names):
    assert off(published, found) == names


def gold():
    return next(result for result in read_published() if result.name == "gold")


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        ("generators.reader.f1", 0.25),
        ("generators.base.f1", 0.17),
        ("generators.base.f1", 0.0),
        ("generators.reader.refusal.recall", 0.30),
        ("generators.base.refusal.recall", 0.76),
        ("generators.reader.refusal.f1", 0.25),
        ("generators.reader.right_citations", 0.55),
        ("generators.reader.perplexity", 16.0),
        ("comparisons.0.measures.F1.difference", 0.0),
        ("retrieval.recall@5", 0.70),
    ],
)
def test_a_broken_generator_fails_the_published_gold_result(path, broken):
    figure = next(figure for figure in gold().figures if figure.path == path)
    assert abs(figure.value - broken) > figure.allowed()


def test_every_published_figure_says_how_far_it_may_be_off_and_where_it_is_from():
    results = read_published()
    assert len({result.name for result in results}) == len(results)
    for result in results:
        assert result.command and result.commit and result.machine and result.chosen_on, result.name
        assert bool(result.files) != bool(result.not_rerun), result.name
        assert all(figure.allowed() > 0 for figure in result.figures), result.name
        shares = [f for f in result.figures if f.n and f.n >= 50 and f.relative is None and f.low is None]
        assert all(figure.allowed() <= 0.15 or figure.value > 1 for figure in shares), result.name


def test_reproducing_runs_the_command_and_prints_each_figure(published, capfd):
    reproduce("gold", published)
    first, *lines = capfd.readouterr().out.splitlines()
    assert first == "--- gold: cp made.json gold.json" and len(lines) == 5
    assert all(line.startswith("same ") for line in lines)


def test_what_is_not_rerun_says_why(published, capfd):
    reproduce("old", published)
    assert capfd.readouterr().out == "--- old: not rerun, it took a year\n"


def test_several_files_are_read_by_their_names(published, tmp_path, capfd):
    files = (
        '[result.files]\n"0.2" = "made.json"\n[result.figures."0.2.generators.base"]\nf1 = { value = 0.1, n = 212 }\n'
    )
    head = TOML[: TOML.index("[result.figures")].replace('file = "gold.json"\n', "")
    published.write_text(head + files)
    reproduce("gold", published)
    assert "same 0.2.generators.base.f1" in capfd.readouterr().out


def test_reproducing_fails_when_a_figure_is_off_a_command_fails_or_a_name_is_unknown(published, tmp_path):
    (tmp_path / "made.json").write_text(json.dumps(changed(f1=0.6, perplexity=40.0)))
    with pytest.raises(EvaluationError, match="^2 published figures are not what their commands give here"):
        reproduce("gold", published)
    with pytest.raises(EvaluationError, match="the command of other failed: false"):
        reproduce("other", published)
    with pytest.raises(EvaluationError, match="no result is called best; there are gold, other, old"):
        reproduce("best", published)


def test_the_published_file_is_the_packages_own():
    assert (Path(__file__).parents[3] / "eval" / "published.toml").exists() and len(read_published()) > 20
