"""Timing of training: every variant, the ratios, and a clock that leaves out evaluations."""

from finetune.experiments import clock, training_speed
from rag.core.sections import PrefixSettings
from rag.models.resolve import find_model
from triplets import row


def test_every_variant_is_timed_on_the_same_rows(tiny_model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = [row(n, n % 3 > 0) for n in range(8)]
    found = [
        training_speed.time_variant(
            variant, find_model(str(tiny_model)), "cpu", "float32", rows, rows[:4], 2, PrefixSettings(100)
        )
        for variant in training_speed.VARIANTS
    ]
    assert [(t.variant, t.examples, t.epochs, len(t.losses)) for t in found] == [
        (variant, 8, 2, 2) for variant in training_speed.VARIANTS
    ]
    assert all(t.first > 0 and t.later > 0 and t.peak_mb > 0 for t in found)


def test_the_ratio_is_of_the_same_stage():
    timing = lambda variant, first, later: training_speed.Timing(variant, 10, 4, first, later, [], 1, 0)  # noqa: E731
    found = [timing("sft TRL", 10, 10), timing("sft alora", 7, 1), timing("dpo TRL", 6, 6), timing("dpo alora", 3, 2)]
    assert training_speed.as_json(found, {"a": 1})["times_faster"] == {
        "sft": {"later": 10.0, "all": 4.0},
        "dpo": {"later": 3.0, "all": 2.7},
    }


def test_the_clock_leaves_out_evaluations_and_checkpoints(monkeypatch):
    monkeypatch.setattr(clock.time, "perf_counter", iter([0, 5, 7, 11, 15, 16, 20, 22]).__next__)
    found = clock.TrainingClock()
    found.on_train_begin()  # 0
    found.on_evaluate()  # at the start, until 5
    found.on_step_end()  # 7
    found.on_evaluate()  # until 11
    found.on_save()  # until 15
    found.on_step_end()  # 16
    found.on_epoch_end()  # 20
    found.on_evaluate()  # until 22
    assert (found.begin, found.epoch_ends) == (0, [7])
