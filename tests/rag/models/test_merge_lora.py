"""A LoRA adapter merged without PEFT, held against PEFT's own merging."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from rag.models.adapters import SHIPPED_READER, attach_adapter
from rag.models.cpu_kernels import unpack, use_cpu_kernels
from rag.models.merge_lora import merged_copy, plain_scaling

IDS = torch.arange(20, 60)[None]


def load(folder, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


@pytest.fixture
def adapter_of(tiny_model, tmp_path):
    """Return a function that saves an adapter of the tiny model with random weights."""

    def make(**options):
        torch.manual_seed(3)
        config = LoraConfig(**{"r": 4, "lora_alpha": 12, "target_modules": "all-linear", **options})
        tuned = get_peft_model(load(tiny_model), config)
        for name, parameter in tuned.named_parameters():
            if "lora_" in name:
                parameter.data = torch.randn_like(parameter) * 0.2
        tuned.save_pretrained(tmp_path / "adapter")
        return tmp_path / "adapter"

    return make


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "down_proj"]])
@pytest.mark.parametrize("packed", [False, True])
def test_merged_weights_are_pefts_to_the_bit(tiny_model, adapter_of, dtype, targets, packed):
    adapter, base = adapter_of(target_modules=targets), load(tiny_model, dtype)
    before = {name: value.clone() for name, value in base.state_dict().items()}
    if packed:
        use_cpu_kernels([base], "cpu")
    merged = unpack(merged_copy(base, adapter))
    unpack(base)
    expected = PeftModel.from_pretrained(load(tiny_model, dtype), adapter).merge_and_unload().state_dict()
    assert merged.state_dict().keys() == expected.keys() and not merged.training
    assert all(torch.equal(value, expected[name]) for name, value in merged.state_dict().items())
    assert all(torch.equal(value, before[name]) for name, value in base.state_dict().items())
    assert not torch.equal(merged(IDS).logits, base(IDS).logits)


def test_what_is_not_adapted_is_shared_with_the_base(tiny_model, adapter_of):
    base = load(tiny_model)
    merged = merged_copy(base, adapter_of(target_modules=["q_proj"]))
    own = {name for name, p in merged.named_parameters() if p.data_ptr() != base.get_parameter(name).data_ptr()}
    assert own == {f"model.layers.{n}.self_attn.q_proj.weight" for n in range(2)}


OTHER_THAN_PLAIN = [
    {"use_dora": True},
    {"use_rslora": True},
    {"target_modules": ["lm_head", "v_proj"]},
    {"rank_pattern": {"q_proj": 2}},
    {"alpha_pattern": {"q_proj": 2}},
    {"modules_to_save": ["lm_head"], "target_modules": ["q_proj"]},
    {"target_modules": ["embed_tokens"]},
    {"trainable_token_indices": [1, 2], "target_modules": ["q_proj"]},
]


@pytest.mark.parametrize("options", OTHER_THAN_PLAIN, ids=lambda options: next(iter(options)))
def test_all_but_plain_lora_is_left_to_peft(tiny_model, adapter_of, options):
    adapter, base = adapter_of(**options), load(tiny_model)
    assert merged_copy(base, adapter) is None
    before = base(IDS).logits
    merged = attach_adapter(base, adapter, True)
    expected = PeftModel.from_pretrained(load(tiny_model), adapter).merge_and_unload()(IDS).logits
    assert torch.allclose(merged(IDS).logits, expected, atol=1e-5)
    assert torch.equal(base(IDS).logits, before)


@pytest.mark.parametrize("change", [{"peft_type": "LOHA"}, {"some_new_variant": True}, {"init_lora_weights": "pissa"}])
def test_unknown_configurations_are_left_to_peft(tmp_path, change):
    config = json.loads((SHIPPED_READER / "adapter_config.json").read_text())
    for name, content in (("plain", config), ("other", {**config, **change})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(json.dumps(content))
    assert plain_scaling(tmp_path / "plain") == 2.0 and plain_scaling(tmp_path / "other") is None


def test_a_folder_without_an_adapter_is_left_to_peft(tmp_path):
    assert plain_scaling(tmp_path) is None


def test_peft_is_not_imported_to_serve_a_plain_adapter(tiny_model, tiny_adapter, tmp_path):
    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    identity = json.loads((adapter / "identity.json").read_text())
    (adapter / "identity.json").write_text(json.dumps({**identity, "activation": "question"}))
    code = f"""
import sys
from pathlib import Path
from rag.generation.generator import Generator
from rag.models.resolve import find_model
Generator(find_model({str(tiny_model)!r}), "cpu", "float32", Path({str(adapter)!r})).generate([[20, 21, 22]], 2)
print(*(name for name in ("peft", "bitsandbytes") if name in sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == ""
