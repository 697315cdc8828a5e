from types import SimpleNamespace

import pytest

from finetune.settings import MineSettings, SftSettings
from finetune.time_budget import Cost, measure, most, plan, within
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.models.resolve import find_model


@pytest.mark.parametrize("method", ["alora", "lora"])
@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_every_cost_is_measured(tiny_model, method, precision):
    cost = measure(
        find_model(str(tiny_model)),
        "cpu",
        precision,
        SftSettings(method=method, rank=4, batch=2),
        SimpleNamespace(search=str.split, chunks=[]),
    )
    assert cost.train > 0 and cost.read > 0 and cost.write > 0 and cost.search > 0


def test_passages_are_read_once_from_the_question_on_whatever_the_epochs():
    cost = Cost(train=0.0, read=1.0, write=0.0, search=0.0)
    assert (
        plan(cost, 800, 100, True, 2, 10, 1, "alora")["sft"]
        == plan(cost, 800, 100, True, 8, 10, 1, "alora")["sft"]
        == pytest.approx(70)
    )
    assert (
        plan(cost, 800, 100, True, 8, 10, 1, "lora")["sft"]
        == 2 * plan(cost, 800, 100, True, 4, 10, 1, "lora")["sft"]
        > 0
    )


def test_mining_without_the_reader_does_not_wait_for_it():
    cost = Cost(train=0.0, read=1.0, write=0.0, search=0.0)
    checked, unchecked = (plan(cost, 800, 100, checked, 2, 10, 1, "alora")["mine"] for checked in (True, False))
    assert checked - unchecked == pytest.approx(30)


@pytest.mark.parametrize(("minutes", "spans"), [(41, 400), (40, 400), (39, 320), (25, 240), (9, 80), (1, 80)])
def test_as_many_fifths_of_the_spans_are_mined_as_the_minutes_allow(minutes, spans):
    assert most(400, lambda candidates: candidates / 10, minutes) == spans


def test_a_single_span_is_mined_however_little_time_there_is():
    assert most(3, lambda candidates: candidates, 0) == 1


def test_what_a_resumed_run_has_finished_is_not_estimated_and_what_it_mined_stays(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "finetune.time_budget.configured_base", lambda settings: (SimpleNamespace(name="tiny"), "cpu", "float32")
    )
    monkeypatch.setattr(
        "finetune.time_budget.open_retriever", lambda settings, index: SimpleNamespace(chunks=[0] * 800)
    )
    monkeypatch.setattr("finetune.time_budget.measure", lambda *measured: Cost(0.1, 0.2, 0.1, 0.2))
    spans = [within(Settings(), tmp_path, 5, "new").section(MineSettings).candidates]
    for stage, receipt in (("mine", {"spans": 240}), ("sft", {})):
        Stage("old", stage).finish(receipt)
    fresh = capsys.readouterr().out
    spans.append(within(Settings(), tmp_path, 5, "old").section(MineSettings).candidates)
    resumed = capsys.readouterr().out
    assert spans == [80, 240] and "(mine" in fresh and "sft" in fresh and "80 spans are mined" in fresh
    assert "mine" not in resumed and "sft" not in resumed and "(dpo" in resumed and "cross-encoder" in resumed
