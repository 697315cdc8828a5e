"""Every method of fine-tuning on a tiny model: trained, saved, loaded and served; merging; and early stopping."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from peft import get_peft_model
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from finetune.experiments.compare_methods import Comparison, plan_attempts, try_method
from finetune.generator import merge as merging
from finetune.generator.adapter_folder import base_identity, write_adapter
from finetune.generator.base_model import load_trainable
from finetune.generator.callbacks import StopAtCollapse, answer_f1
from finetune.generator.merge import generated_texts, merge_adapter
from finetune.generator.peft_methods import METHODS, find_method
from finetune.generator.sft import finish_training, sft_trainer
from finetune.settings import SftSettings
from rag.core.errors import ModelError, TrainingError
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.resolve import find_model
from triplets import row

ROWS = [row(n, n % 3 > 0) for n in range(24)]
TEXT = "The harbour office opens at eight. " * 60


@pytest.mark.parametrize("name", METHODS)
def test_every_method_learns_and_is_served_as_it_was_trained(tiny_model, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    comparison = Comparison(find_model(str(tiny_model)), "cpu", "float32", ROWS, ROWS[:6], 30, 2, TEXT)
    base, *_, trial = [try_method(attempt, comparison) for attempt in plan_attempts(comparison, [name], tmp_path)]
    assert trial.loss < base.loss and trial.served == base.served == 1.0
    assert (trial.perplexity == pytest.approx(base.perplexity)) == (name == "alora") and not base.trained
    assert 0 < trial.trained < 0.7 and trial.seconds > 0


def test_qalora_is_refused_where_peft_would_train_plain_lora():
    make = find_method("qalora").make
    with pytest.raises(TrainingError, match="GPTQ"):
        make(SftSettings(), SimpleNamespace(quantization_method="awq"))
    assert make(SftSettings(), SimpleNamespace(quantization_method="gptq")).use_qalora


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_qalora_sees_the_sum_of_each_group_of_inputs(tiny_model, precision):
    base = load_trainable(find_model(str(tiny_model)), "cpu", precision, unpack=False).model
    layer = (
        get_peft_model(base, find_method("qalora").make(SftSettings(rank=4), base))
        .base_model.model.model.layers[1]
        .mlp.down_proj
    )
    first, second, group = layer.lora_A["default"], layer.lora_B["default"], 16
    torch.nn.init.normal_(second.weight)
    assert first.weight.shape == (4, 64 // group) and type(layer.base_layer).__name__ == (
        "Linear" if precision == "float32" else "Linear4bit"
    )
    x = torch.randn(2, 3, 64)
    added = layer(x) - layer.base_layer(x)
    scale = layer.scaling["default"] * (64 // group) / group  # of PEFT's: a mean times the number of groups
    assert torch.allclose(added, second(first(x.view(2, 3, -1, group).sum(-1))) * scale, atol=1e-4)


def trained(tiny_model, folder, name):
    """Return an adapter after two steps of training."""
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
    settings = SftSettings(method=name, epochs=2, learning_rate=0.02)
    trainer = sft_trainer(folder / "t", base, ROWS[:8], ROWS[:4], settings)
    trainer.train()
    finish_training(trainer, settings)
    write_adapter(trainer, folder / "adapter", find_method(name).at_question)
    (folder / "adapter/identity.json").write_text(json.dumps(base_identity(base, name, find_method(name).at_question)))
    return folder / "adapter"


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].facts.merge])
def test_a_merged_model_answers_as_the_adapter_does(tiny_model, tmp_path, name):
    adapter, model = trained(tiny_model, tmp_path, name), find_model(str(tiny_model))
    assert merge_adapter(adapter, model, "cpu", ROWS[:8], tmp_path / "merged", 12) == 0.0
    merged = Generator(find_model(str(tmp_path / "merged")), "cpu", "float32")
    wanted = generated_texts(Generator(model, "cpu", "float32", adapter), ROWS[8:12], 12)
    assert generated_texts(merged, ROWS[8:12], 12) == wanted
    with pytest.raises(TrainingError, match="is there already"):
        merge_adapter(adapter, model, "cpu", ROWS[:8], tmp_path / "merged", 12)


def test_a_merge_that_changes_answers_is_not_published(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "changed_answers", lambda *args: 0.25)
    with pytest.raises(TrainingError, match="25% of 8 answers differ"):
        merge_adapter(
            trained(tiny_model, tmp_path, "lora"), find_model(str(tiny_model)), "cpu", ROWS[:8], tmp_path / "merged", 12
        )
    assert not [p for p in tmp_path.iterdir() if "merged" in p.name]


@pytest.mark.parametrize("name", [name for name in METHODS if not METHODS[name].facts.merge])
def test_an_adapter_that_is_no_weight_delta_is_not_merged(tiny_model, tmp_path, name):
    identity = {"base": "any", "prompt": "any", "precision": "float32", "method": name}
    (tmp_path / "identity.json").write_text(json.dumps(identity))
    with pytest.raises(ModelError, match=f"trained with {name}.*sft.method=lora"):
        merge_adapter(tmp_path, find_model(str(tiny_model)), "cpu", ROWS[:8], tmp_path / "merged", 12)


def test_development_f1_is_of_what_would_be_shown():
    answerable, left_out = row(1), row(1, 0)
    assert (
        answer_f1(answerable, "1 litres [1]") == answer_f1(answerable, "1 litres [2]") == 1.0
    )  # the citation is mended
    assert (
        answer_f1(answerable, prompt.REFUSAL) == answer_f1(answerable, "99 litres [1]") == 0.0
    )  # what no passage supports is a refusal
    assert answer_f1(left_out, prompt.REFUSAL) == answer_f1(left_out, "99 litres [1]") == 1.0
    assert answer_f1(left_out, "1 litres [1]") == 0.0


@pytest.mark.parametrize(("reward", "stops"), [(-0.1, False), (-0.24, True), (0.5, False)])
def test_dpo_stops_when_chosen_answers_become_unlikely(reward, stops, capsys):
    control, metrics = SimpleNamespace(should_training_stop=False), {"eval_rewards/chosen": reward, "eval_loss": 0.1}
    StopAtCollapse(0.1).on_evaluate(None, SimpleNamespace(best_metric=0.69), control, metrics)
    assert control.should_training_stop is stops and ("times less likely" in capsys.readouterr().out) is stops
    assert metrics["eval_loss"] == (math.inf if stops else 0.1), (
        "the fallen checkpoint is not the best, however low its loss"
    )


def test_the_best_answers_are_kept_and_training_stops_without_better_ones(tiny_model, tmp_path, monkeypatch):
    scores = iter([0.2, 0.9, 0.5, 0.4, 0.3, 0.2])
    monkeypatch.setattr("finetune.generator.callbacks.answer_f1", lambda row, text: next(scores))
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
    trainer = sft_trainer(tmp_path, base, ROWS[:16], ROWS[:1], SftSettings(epochs=6, rank=4, patience=2))
    trainer.train()
    f1s = [entry["eval_f1"] for entry in trainer.state.log_history if "eval_f1" in entry]
    assert (
        f1s == [0.2, 0.9, 0.5, 0.4]
        and trainer.state.best_metric == 0.9
        and trainer.state.best_model_checkpoint.endswith("-4")
    )


class Killed(TrainerCallback):
    """Ends training as a kill after the second checkpoint would."""

    def on_save(self, args, state, control, **kwargs):
        if len([*Path(args.output_dir).glob("checkpoint-*")]) == 2:
            raise KeyboardInterrupt


def test_evaluations_without_better_answers_before_a_kill_count_after_it(tiny_model, tmp_path, monkeypatch):
    scores = iter([0.9, 0.5, 0.4, 0.3, 0.2])
    monkeypatch.setattr("finetune.generator.callbacks.answer_f1", lambda row, text: next(scores))
    base, settings = (
        load_trainable(find_model(str(tiny_model)), "cpu", "float32"),
        SftSettings(epochs=6, rank=4, patience=2),
    )
    trainer = sft_trainer(tmp_path, base, ROWS[:16], ROWS[:1], settings)
    trainer.add_callback(Killed())
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
    resumed = sft_trainer(tmp_path, base, ROWS[:16], ROWS[:1], settings)
    resumed.train(resume_from_checkpoint=get_last_checkpoint(str(tmp_path / "checkpoints")))
    assert [entry["eval_f1"] for entry in resumed.state.log_history if "eval_f1" in entry] == [0.9, 0.5, 0.4]
