"""The reader that ships: what it is trained on, and how training on a corpus starts from it."""

import json
from types import SimpleNamespace

import pytest
import torch

from corpus_in_small import DOCUMENTS
from finetune import time_budget
from finetune.generator import sft
from finetune.generator.adapter_folder import base_identity, write_adapter
from finetune.generator.base_model import load_trainable
from finetune.generator.sft import sft_trainer
from finetune.settings import SftSettings
from finetune.shipped import reader
from finetune.shipped.reader import reader_rows
from rag.core.errors import SettingsError
from rag.core.sections import RetrievalSettings
from rag.models import adapters as serving
from rag.models.resolve import find_model
from rag.retrieval.retriever import Retriever
from triplets import row

ROWS = [row(n, n % 3 > 0) for n in range(12)]


@pytest.fixture
def questions(tmp_path):
    text = DOCUMENTS["crane.md"]
    lines = [
        {
            "id": "a",
            "question": "How many tonnes does the crane lift?",
            "answers": ["40 tonnes"],
            "document": "crane.md",
            "start": text.index("40 tonnes"),
        },
        {"id": "n", "question": "Who won the crane cup?", "answers": [], "document": "crane.md", "start": -1},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("left_out", "kind", "target"), [(0.0, "answerable", "40 tonnes [1]"), (1.0, "left out", sft.prompt.REFUSAL)]
)
def test_rows_are_labelled_by_what_the_retriever_finds(
    tiny_index, tiny_embedder, questions, monkeypatch, left_out, kind, target
):
    monkeypatch.setattr(reader, "LEFT_OUT_SHARE", left_out)
    texts = {name: text for name, text in DOCUMENTS.items() if name != "limit.md"}  # which also speaks of 40 tonnes
    rows = reader_rows(Retriever(tiny_index(texts), tiny_embedder, RetrievalSettings()), questions)
    assert [(r.id, r.kind) for r in rows] == [("a", kind), ("n", "unanswerable")]
    assert rows[0].target == target or rows[0].cited > 1
    assert rows[1].target == sft.prompt.REFUSAL and rows[1].passages


@pytest.fixture
def shipped(tiny_model, tmp_path, monkeypatch):
    """Return the weights of a reader for the tiny model, which takes the place of the shipped one."""
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
    trainer = sft_trainer(
        tmp_path / "t", base, ROWS, ROWS[:2], SftSettings(start="", rank=2, epochs=1, batch=4, learning_rate=0.01)
    )
    trainer.train()
    write_adapter(trainer, tmp_path / "reader", True)
    (tmp_path / "reader/identity.json").write_text(json.dumps(base_identity(base, "alora", True)))
    monkeypatch.setattr(serving, "SHIPPED_READER", tmp_path / "reader")
    monkeypatch.setattr(sft, "SHIPPED_READER", tmp_path / "reader")
    return {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}


def weights(tiny_model, folder, **settings):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
    trainer = sft_trainer(folder, base, ROWS, ROWS[:2], SftSettings(rank=4, epochs=1, **settings))
    return {name: p for name, p in trainer.model.named_parameters() if p.requires_grad}


def test_training_on_a_corpus_starts_from_the_reader(tiny_model, tmp_path, shipped):
    found = weights(tiny_model, tmp_path / "s")
    assert found.keys() == shipped.keys() and all(torch.equal(found[name], shipped[name]) for name in found)


def test_the_trained_adapter_is_averaged_with_the_reader(tiny_model, tmp_path, shipped):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
    tuned = sft_trainer(tmp_path / "s", base, ROWS, ROWS[:2], SftSettings(epochs=1)).model
    with torch.no_grad():
        for weight in (p for p in tuned.parameters() if p.requires_grad):
            weight += 0.8
    sft.average_with_start(tuned, sft.SHIPPED_READER, 0.25)
    now = {name: p for name, p in tuned.named_parameters() if p.requires_grad}
    assert now.keys() == shipped.keys() and all(
        torch.allclose(now[name], shipped[name] + 0.6, atol=1e-6) for name in now
    )


def test_the_estimate_times_the_adapter_that_training_starts_from(tiny_model, shipped, monkeypatch):
    timed = []

    def adapter_to_train(*args):
        timed.append(sft.adapter_to_train(*args))
        return timed[0]

    monkeypatch.setattr(time_budget, "adapter_to_train", adapter_to_train)
    settings, index = SftSettings(rank=4, batch=2), SimpleNamespace(search=str.split)
    time_budget.measure_cost(find_model(str(tiny_model)), "cpu", "float32", settings, index)
    assert {p.shape[0] for name, p in timed[0].named_parameters() if "lora_A" in name} == {2}


@pytest.mark.parametrize("settings", [{"start": ""}, {"method": "lora"}])
def test_training_starts_a_new_adapter_where_settings_or_method_ask_for_it(tiny_model, tmp_path, shipped, settings):
    found = weights(tiny_model, tmp_path / "s", **settings)
    assert {p.shape[0] for name, p in found.items() if "lora_A" in name} == {4}
    assert all(not p.any() for name, p in found.items() if "lora_B" in name)


def test_a_reader_of_another_base_or_prompt_is_not_used(tiny_model, tmp_path, shipped):
    identity = tmp_path / "reader/identity.json"
    for key in ("base", "prompt"):
        made = json.loads(identity.read_text())
        identity.write_text(json.dumps({**made, key: "other"}))
        assert {p.shape[0] for name, p in weights(tiny_model, tmp_path / key).items() if "lora_A" in name} == {4}
        identity.write_text(json.dumps(made))


def test_another_start_is_refused(tiny_model, tmp_path):
    with pytest.raises(SettingsError, match="sft.start is one of 'reader', ''.*not 'writer'"):
        weights(tiny_model, tmp_path / "s", start="writer")
