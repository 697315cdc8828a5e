"""Training of encoders: a killed one goes on to the same weights, and one of other data begins anew."""

import pytest
import torch
from transformers import AutoTokenizer, Trainer

from finetune.retriever import encoder_trainer
from finetune.retriever.cross_encoder_pairs import RELEVANCE, RelevancePair
from finetune.retriever.cross_encoder_trainer import BATCH, fit_cross_encoder, open_cross_encoder
from finetune.shipped.span_scorer import SpanExample, fit_span_scorer
from rag.models.span_scorer import load_span_model

TEXT = "the crane has ten lamps and it is old ."
QUESTIONS = [f"how many lamps {'lamps ' * n}?" for n in range(16)]
EXAMPLES = [SpanExample(question, (TEXT, "sheep graze here ."), (14, 17)) for question in QUESTIONS * 2]
PAIRS = [RelevancePair(question, TEXT, n % 2, RELEVANCE) for n, question in enumerate(QUESTIONS * (BATCH // 4))]


@pytest.fixture
def encoder(encoder_of, monkeypatch):
    monkeypatch.setattr(encoder_trainer, "SAVE_STEPS", 2)
    return encoder_of(f"{TEXT} sheep graze here how many ?")


def span_scorer(encoder, folder, examples=EXAMPLES):
    torch.manual_seed(0)
    model = load_span_model(encoder, torch.float32, attn_implementation="eager")
    fit_span_scorer(model, AutoTokenizer.from_pretrained(encoder.path), examples, 3, 1e-3, folder)
    return model


def cross_encoder(encoder, folder, pairs=PAIRS):
    model = open_cross_encoder(encoder, "cpu")
    fit_cross_encoder(model, pairs, "cpu", 2, 1e-3, folder, "cross-encoder")
    return model.model


def weights(model) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


class Killed(Exception):
    pass


def kill_at(step: int, patch) -> None:
    original = Trainer.training_step

    def training_step(self, *args, **kwargs):
        if self.state.global_step == step:
            raise Killed
        return original(self, *args, **kwargs)

    patch.setattr(Trainer, "training_step", training_step)


@pytest.mark.parametrize("train", [span_scorer, cross_encoder])
def test_a_killed_training_goes_on_to_the_same_weights(encoder, tmp_path, capsys, train):
    wanted = weights(train(encoder, tmp_path / "whole"))
    assert not [*(tmp_path / "whole").iterdir()], "checkpoints of a finished training are removed"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(3, patch)
        train(encoder, tmp_path / "killed")
    assert "resuming" not in capsys.readouterr().out
    found = weights(train(encoder, tmp_path / "killed"))
    assert "resuming from" in capsys.readouterr().out and found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(("train", "data"), [(span_scorer, EXAMPLES), (cross_encoder, PAIRS)])
def test_checkpoints_of_other_data_are_left_alone(encoder, tmp_path, capsys, train, data):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(3, patch)
        train(encoder, tmp_path)
    train(encoder, tmp_path, data[: len(data) // 2])
    assert "resuming" not in capsys.readouterr().out
