"""Several LoRA adapters become one, and refuse to where it would not be what they were."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from rag.core.errors import ModelError
from rag.generation.generator import Generator
from rag.models.adapters import serving_config
from rag.models.compose import WAYS, compose_adapters
from rag.models.resolve import find_model

IDS = torch.arange(20, 36).view(2, 8)


@pytest.fixture
def make(tiny_model, tiny_adapter, tmp_path):
    """Return a function that writes a random LoRA adapter; identity and configuration as in `more`."""

    def write(name, rank=4, tokens=None, **more):
        folder, base = tmp_path / name, AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
        torch.manual_seed(len(name))
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", init_lora_weights=False)
        tuned = get_peft_model(base, config)
        config.alora_invocation_tokens = tokens
        tuned.save_pretrained(folder)
        identity = json.loads((tiny_adapter / "identity.json").read_text())
        (folder / "identity.json").write_text(json.dumps({**identity, **more}))
        return folder

    return write


def load(tiny_model):
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()


def change(tiny_model, adapter):
    """Return what an adapter adds to one layer's weights."""
    tuned = PeftModel.from_pretrained(load(tiny_model), str(adapter), config=serving_config(adapter))
    return tuned.base_model.model.model.layers[1].mlp.down_proj.get_delta_weight("default").detach()


@pytest.mark.parametrize("way", WAYS)
def test_a_composed_adapter_is_served_and_cat_is_the_exact_sum(tiny_model, make, tmp_path, way):
    one, other = make("one"), make("other", rank=2 if way == "cat" else 4)
    (one / "record.json").write_text(json.dumps({"documents": {"train": ["a"], "unmined": ["b"]}, "questions": [1]}))
    (other / "record.json").write_text(json.dumps({"documents": {"train": ["b"], "unmined": []}, "questions": [2]}))
    compose_adapters(load(tiny_model), [one, other], [0.5, 1.5], way, 0.5, tmp_path / "both")
    wanted = 0.5 * change(tiny_model, one) + 1.5 * change(tiny_model, other)
    assert torch.allclose(change(tiny_model, tmp_path / "both"), wanted, atol=1e-5) == (way == "cat")
    record = json.loads((tmp_path / "both/record.json").read_text())
    assert record == {"documents": {"train": ["a", "b"], "unmined": []}, "questions": [1, 2]}
    assert Generator(find_model(str(tiny_model)), "cpu", "float32", tmp_path / "both").generate([[5, 6, 7]], 4)
    with pytest.raises(ModelError, match="is there already"):
        compose_adapters(load(tiny_model), [one, other], [0.5, 1.5], way, 0.5, tmp_path / "both")


def test_activated_lora_is_composed_only_with_equal_invocation_tokens(tiny_model, make, tmp_path):
    tokens = {"method": "alora", "activation": "question"}
    one, same, other = (make(name, tokens=at, **tokens) for name, at in (("1", [3, 4]), ("22", [3, 4]), ("333", [5])))
    compose_adapters(load(tiny_model), [one, same], [1, 1], "cat", 0.5, tmp_path / "both")
    assert json.loads((tmp_path / "both/adapter_config.json").read_text())["alora_invocation_tokens"] == [3, 4]
    with pytest.raises(ModelError, match=r"differ in alora_invocation_tokens: \[3, 4\] and \[5\]"):
        compose_adapters(load(tiny_model), [one, other], [1, 1], "cat", 0.5, tmp_path / "no")


@pytest.mark.parametrize(
    ("more", "way", "message"),
    [
        ({"precision": "nf4"}, "cat", "differ in precision: float32 and nf4"),
        ({"method": "dora"}, "cat", "trained with dora, which cannot be combined"),
        ({"rank": 2}, "ties", "differ in r: 4 and 2; --how cat takes any ranks"),
    ],
)
def test_adapters_that_do_not_fit_are_refused(tiny_model, make, tmp_path, more, way, message):
    with pytest.raises(ModelError, match=message):
        compose_adapters(load(tiny_model), [make("one"), make("other", **more)], [1, 1], way, 0.5, tmp_path / "no")
    assert not (tmp_path / "no").exists()
