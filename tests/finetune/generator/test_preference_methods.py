"""Preference and reward training beside DPO: each on a tiny model, and the reward by hand."""

import json

import pytest

from finetune.data.rows import PreferencePair
from finetune.generator.answer_reward import answer_reward, reward_function
from finetune.generator.base_model import load_trainable
from finetune.generator.dpo import train_dpo
from finetune.generator.preference_methods import BESIDE_DPO
from finetune.generator.sft import train_sft
from finetune.settings import PREFERENCE_METHODS, DpoSettings, SftSettings
from rag.core.errors import TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from rag.generation import prompt
from rag.models.resolve import find_model
from triplets import row

ROWS = [row(n, n % 3 > 0) for n in range(8)]
PAIRS = [PreferencePair(r, r.target, prompt.REFUSAL if r.cited else "99 litres [2]", "made") for r in ROWS]


def test_every_method_can_be_chosen():
    assert ("dpo", *BESIDE_DPO) == PREFERENCE_METHODS


@pytest.fixture(scope="module")
def sft_run(tiny_model, tmp_path_factory):
    """Return the folder in which a LoRA adapter was trained, with pairs beside it."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        mined = Stage("t", "mine")
        for part in ("train", "dev"):
            write_lines(mined.folder / f"{part}.jsonl", ROWS)
        base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
        mined.finish({"prompt": prompt.fingerprint(base.tokenizer), "documents": {}})
        settings = SftSettings(method="lora", rank=4, epochs=1, general=0.0)
        train_sft(Stage("t", "sft"), mined, find_model(str(tiny_model)), "cpu", "float32", settings, False)
        for part in ("train", "dev"):
            write_lines(Stage("t", "dpo").folder / f"{part}.jsonl", PAIRS[:4])
    return folder


@pytest.mark.parametrize("method", BESIDE_DPO)
def test_every_method_trains_the_sft_adapter_further(sft_run, tiny_model, monkeypatch, method):
    monkeypatch.chdir(sft_run)
    monkeypatch.setattr("finetune.generator.preference_methods.MAX_NEW_TOKENS", 4)
    monkeypatch.setattr("finetune.generator.preference_methods.GENERATIONS", 2)
    # A random model earns nothing, and where all outputs earn alike there is nothing to learn.
    monkeypatch.setattr("finetune.generator.answer_reward.answer_reward", lambda row, output: len(output))
    stage, sft, settings = Stage("t", "dpo"), Stage("t", "sft"), DpoSettings(batch=2, learning_rate=1e-3)
    model = find_model(str(tiny_model))
    train_dpo(stage, sft, Stage("t", "mine"), model, "cpu", settings, False, method=method)
    assert stage.result()["preference"] == method and stage.result()["steps"] >= 2
    before, after = (s.folder / "adapter" / "adapter_model.safetensors" for s in (sft, stage))
    assert before.read_bytes() != after.read_bytes()
    assert "dpo" in json.loads((stage.folder / "adapter/curves.json").read_text())


def test_an_adapter_that_acts_on_the_question_is_for_dpo_alone(sft_run, tiny_model, monkeypatch):
    monkeypatch.chdir(sft_run)
    sft = Stage("t", "sft")
    result = {**sft.result(), "activation": "question"}
    monkeypatch.setattr(Stage, "result", lambda self: result)
    with pytest.raises(TrainingError, match="kto trains over the whole sequence.*sft.method=lora"):
        model = find_model(str(tiny_model))
        train_dpo(Stage("t", "dpo"), sft, Stage("t", "mine"), model, "cpu", DpoSettings(), False, method="kto")


def test_the_reward_is_in_the_words_the_check_and_the_citation():
    answerable, left_out = row(1), row(1, 0)
    assert answer_reward(answerable, "1 litres [1]") == 1.0
    assert answer_reward(answerable, "1 litres [2]") == 0.75
    assert answer_reward(answerable, "99 litres [1]") == 0.5 * 0.5 + 0.25  # half of the words, and not borne out
    assert answer_reward(answerable, prompt.REFUSAL) == answer_reward(left_out, "1 litres [1]") == 0.0
    assert answer_reward(left_out, prompt.REFUSAL) == 1.0
    said = [[{"role": "assistant", "content": text}] for text in ("1 litres [1]", prompt.REFUSAL)]
    assert reward_function([left_out, answerable])(completions=said, row=[1, 0], prompts=[]) == [1.0, 1.0]
