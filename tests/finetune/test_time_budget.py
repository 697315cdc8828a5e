"""The estimate of training time: what it measures, and that only minutes given by the user change what is mined."""

from types import SimpleNamespace

import pytest

from finetune.cli.parser import parser
from finetune.settings import DpoSettings, MineSettings, SftSettings
from finetune.time_budget import Cost, estimate_stages, fitting_spans, measure_cost, plan_run
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.models.resolve import find_model

READING = Cost(train=0.0, prefill=1.0, generate=0.0, search=0.0)
SLOW = Cost(train=10.0, prefill=20.0, generate=10.0, search=20.0)
FAST = Cost(train=0.001, prefill=0.002, generate=0.001, search=0.002)


def stages(cost: Cost, epochs: int = 2, method: str = "alora", checked: bool = True) -> dict[str, float]:
    mine = MineSettings(candidates=100, gate=10, checked=checked)
    return estimate_stages(cost, 800, mine, SftSettings(epochs=epochs, method=method), DpoSettings(pairs=10))


@pytest.mark.parametrize("method", ["alora", "lora"])
@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_every_cost_is_measured(tiny_model, method, precision):
    settings = SftSettings(method=method, rank=4, batch=2)
    index = SimpleNamespace(search=str.split)
    cost = measure_cost(find_model(str(tiny_model)), "cpu", precision, settings, index)
    assert cost.train > 0 and cost.prefill > 0 and cost.generate > 0 and cost.search > 0


def test_passages_are_encoded_once_from_the_question_on_whatever_the_epochs():
    assert stages(READING, 2)["sft"] == stages(READING, 8)["sft"] == pytest.approx(60)
    assert stages(READING, 8, "lora")["sft"] == 2 * stages(READING, 4, "lora")["sft"] > 0


def test_mining_without_the_reader_does_not_wait_for_it():
    assert stages(READING)["mine"] - stages(READING, checked=False)["mine"] == pytest.approx(30)


@pytest.mark.parametrize(("minutes", "spans"), [(41, 400), (40, 400), (39, 320), (25, 240), (9, 80), (1, 80)])
def test_as_many_fifths_of_the_spans_are_mined_as_the_minutes_allow(minutes, spans):
    assert fitting_spans(400, lambda candidates: candidates / 10, minutes) == spans


def test_a_single_span_is_mined_however_little_time_there_is():
    assert fitting_spans(3, lambda candidates: candidates, 0) == 1


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Return a function that plans a run as if the machine had been measured at some cost."""
    monkeypatch.chdir(tmp_path)
    base = (SimpleNamespace(name="tiny"), "cpu", "float32")
    monkeypatch.setattr("finetune.time_budget.configured_base", lambda settings: base)
    retriever = SimpleNamespace(chunks=[0] * 800)
    monkeypatch.setattr("finetune.time_budget.open_retriever", lambda settings, index: retriever)

    def plan(cost: Cost, minutes: float | None, run: str = "new") -> int:
        monkeypatch.setattr("finetune.time_budget.measure_cost", lambda *measured: cost)
        return plan_run(Settings(), tmp_path, minutes, run).section(MineSettings).candidates

    return plan


def test_a_slow_machine_mines_what_a_fast_one_does(measured, capsys):
    minutes = parser().parse_args(["train"]).minutes
    assert minutes is None
    assert measured(SLOW, minutes) == measured(FAST, minutes) == MineSettings().candidates
    told = capsys.readouterr().out
    assert told.count("estimate: ") == 2 and "spans are mined" not in told


def test_minutes_that_are_given_decide_how_much_is_mined_and_the_number_is_printed(measured, capsys):
    assert measured(FAST, 40.0) == 400 and "spans are mined" not in capsys.readouterr().out
    assert measured(SLOW, 40.0) == 80
    told = capsys.readouterr().out
    assert "--minutes 40 at the speed measured now: 80 of 400 spans are mined" in told
    assert "a slower or busier machine would mine fewer" in told and "--set mine.candidates=80" in told


def test_what_a_resumed_run_has_finished_is_not_estimated_and_what_it_mined_stays(measured, capsys):
    for stage, result in (("mine", {"spans": 240}), ("sft", {})):
        Stage("old", stage).finish(result)
    assert measured(SLOW, 5.0) == 80 and measured(SLOW, 5.0, "old") == measured(SLOW, None, "old") == 240
    fresh, *resumed = [line for line in capsys.readouterr().out.splitlines() if "estimate" in line]
    assert "(mine" in fresh and "sft" in fresh and len(resumed) == 2
    for line in resumed:
        assert "mine" not in line and "sft" not in line and "(dpo" in line and "cross-encoder" in line
