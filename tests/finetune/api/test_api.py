"""Runs and rows over HTTP: what is listed, how a verdict is kept, and what is refused."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from finetune.api.router import router
from finetune.data.training_set import training_rows
from finetune.data.verdicts import read_verdicts
from rag.core.run_folder import Stage
from rag.server.run import ROUTERS, other_routers
from serving import ANSWER, QUESTION
from training_run import VERDICT, judge_run, write_run


@pytest.fixture
def training(served):
    """A server with the endpoints of training, in whose folder a run was mined and trained."""
    made = served(more=[router])
    write_run()
    return made


def get(made, path):
    return made.client.get(path).raise_for_status().json()


def test_runs_are_listed_with_their_stages_and_shown_with_their_curves(training):
    (listed,) = get(training, "/runs")["runs"]
    assert (listed["name"], listed["stages"], listed["verdicts"]) == ("trial", ["mine", "sft"], [])
    mine, sft = get(training, "/runs/trial")["stage_results"]
    assert sft["figures"] == {"rows": "2", "method": "alora", "best development loss": "1"} and mine["charts"] == []
    loss, f1 = sft["charts"]
    assert [line["points"] for line in loss["lines"]] == [[[5, 1.5]], [[5, 1.25], [10, 1.0]]]
    assert f1["lines"][0]["points"][-1] == [10, 0.75]


def test_verdicts_of_a_run_are_shown_with_the_questions_that_decided(training):
    cells = judge_run()["cells"]
    found = get(training, "/runs/trial")
    assert found["verdicts"] == [{"component": "generator", **VERDICT}] and found["cells"] == cells
    assert found["judged_on"] == "9 gate questions (mined)"


@pytest.mark.parametrize("found", [{"n": 9}, {"verdicts": {"generator": "better"}}, {"cells": {"old": "good"}}])
def test_a_judgement_of_another_form_shows_none(training, found):
    Stage("trial", "attribution").finish(found)
    assert get(training, "/runs")["runs"][0]["verdicts"] == get(training, "/runs/trial")["verdicts"] == []


def test_a_row_is_kept_mended_and_dropped_as_in_the_terminal(training):
    path = "/runs/trial/review"
    found = get(training, path)
    assert (found["judged"], found["rest"]) == (0, 4) and found["estimate"] == "none of 4 rows judged yet"
    for verdict in (
        {"verdict": "keep"},
        {"verdict": "drop"},
        {"verdict": "mend", "question": "How much?", "answer": "-"},
    ):
        shown = found["rows"][0]
        found = training.client.post(path, json={"id": shown["id"], "was": shown["was"], **verdict}).json()
    assert (found["judged"], found["rest"]) == (3, 1)
    assert [line["verdict"] for line in read_verdicts("trial").values()] == ["keep", "drop", "mend"]
    back = training.client.delete(path, params={"id": shown["id"]}).json()
    assert back["judged"] == 2 and back["rows"][0]["id"] == shown["id"]


def test_a_verdict_that_can_not_be_kept_says_why(training):
    (shown, *_) = get(training, "/runs/trial/review")["rows"]
    body = {"id": shown["id"], "was": shown["was"], "verdict": "mend", "answer": "900 litres"}
    for changed, status, said in (
        ({}, 409, "has these words"),
        ({"was": "000000000000"}, 409, "changed"),
        ({"id": "nothing"}, 404, "no such row"),
        ({"verdict": "praise"}, 422, "verdict"),
    ):
        refused = training.client.post("/runs/trial/review", json={**body, **changed})
        assert refused.status_code == status and said in refused.json()["error"]["message"]
    assert read_verdicts("trial") == {}


@pytest.mark.parametrize("name", ["none", "..%2Ftrial", ".hidden", "a%20b", "%C3%A9" * 180])
def test_another_name_is_no_run(training, name):
    for path in (f"/runs/{name}", f"/runs/{name}/review"):
        assert training.client.get(path).status_code in (400, 404, 409)


def test_a_thumb_up_comes_to_review_and_then_to_training(training):
    answer = training.client.post("/ask", json={"question": QUESTION}).json()
    training.client.post("/feedback", json={"answer": answer["id"], "thumb": "up"})
    taken = training.client.post("/runs/trial/feedback").json()
    assert taken == {"rows": 1, "pairs": 0, "left_out": {}}
    shown = get(training, "/runs/trial/review")["rows"][0]
    assert (shown["source"], shown["target"], shown["passages"][0]["own"]) == ("feedback", f"{ANSWER[:-1]} [1]", True)
    assert len(training_rows("trial", "train")) == 2
    training.client.post("/runs/trial/review", json={"id": shown["id"], "was": shown["was"], "verdict": "keep"})
    assert training_rows("trial", "train")[-1].question == QUESTION


def test_the_server_finds_these_endpoints_by_their_entry_point(monkeypatch):
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    declared = [EntryPoint(name, value, ROUTERS) for name, value in project["entry-points"][ROUTERS].items()]
    monkeypatch.setattr("rag.server.run.entry_points", lambda group: [each for each in declared if each.group == group])
    assert other_routers() == [router]
