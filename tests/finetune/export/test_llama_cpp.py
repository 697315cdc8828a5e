"""GGUF files: the names and weights in them, and that llama.cpp answers with them as we do."""

import json
import shutil

import numpy as np
import pytest
import torch
from gguf import GGUFReader, dequantize
from transformers import AutoModelForCausalLM

from finetune.export.gguf_adapter import write_adapter_gguf
from finetune.export.gguf_model import write_model_gguf
from finetune.export.gguf_names import GgufLayout
from finetune.export.to_llama_cpp import export_llama_cpp
from finetune.generator.adapter_folder import write_identity
from rag.core.errors import TrainingError
from rag.generation import prompt
from rag.models.adapters import read_identity
from rag.models.resolve import find_model
from triplets import row

ROWS = [row(n, n % 3 > 0) for n in range(12)]


@pytest.fixture
def activated(tiny_adapter, tiny_generator, tmp_path):
    """Return the tiny adapter as one that acts from the question on, and that passages were read apart for."""
    folder = tmp_path / "activated"
    shutil.copytree(tiny_adapter, folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    tokens = prompt.invocation(tiny_generator.tokenizer).ids
    (folder / "adapter_config.json").write_text(json.dumps({**config, "alora_invocation_tokens": tokens}))
    acts = {"method": "alora", "activation": "question", "apart": True}
    write_identity(folder, {**read_identity(folder), **acts})
    return folder


def test_a_gguf_file_is_read_back_as_the_same_model(tiny_model, tmp_path):
    """transformers' own reader undoes names, order and types."""
    write_model_gguf(tiny_model, tmp_path / "m.gguf", "tiny")
    read = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32).state_dict()
    wanted = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).state_dict()
    assert read.keys() == wanted.keys() and all(torch.equal(read[name], wanted[name]) for name in wanted)


def test_adapter_files_name_the_invocation_tokens(activated, tiny_model, tmp_path, tiny_generator):
    write_adapter_gguf(activated, tiny_model, tmp_path / "a.gguf")
    read = GGUFReader(tmp_path / "a.gguf")
    value = {name: field.contents() for name, field in read.fields.items()}
    assert value["adapter.alora.invocation_tokens"] == prompt.invocation(tiny_generator.tokenizer).ids
    assert (value["general.type"], value["adapter.type"], value["adapter.lora.alpha"]) == ("adapter", "lora", 8.0)
    names = {tensor.name for tensor in read.tensors}
    assert len(names) == 12 and {"blk.0.attn_q.weight.lora_a", "blk.1.ffn_down.weight.lora_b"} <= names


@pytest.mark.parametrize("kind", ["base", "plain", "activated"])
def test_llama_cpp_answers_as_we_do(tiny_model, tiny_adapter, activated, tmp_path, monkeypatch, kind):
    """A random model is often near a tie, where llama.cpp's float16 cache decides; in a wrong layout nothing agrees."""
    pytest.importorskip("xllamacpp")
    monkeypatch.setattr("finetune.export.to_llama_cpp.TOLERANCE", 0.3)
    adapter = {"base": None, "plain": tiny_adapter, "activated": activated}[kind]
    model, out = find_model(str(tiny_model)), tmp_path / "out"
    assert export_llama_cpp(out, model, "float32", adapter, ROWS, 3) <= 0.3
    assert {path.name for path in out.iterdir()} == {
        "base": {"model.gguf"},
        "plain": {"model.gguf", "merged"},
        "activated": {"model.gguf", "adapter.gguf"},
    }[kind]


def test_a_model_that_answers_otherwise_is_not_published(tiny_model, activated, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.export.to_llama_cpp.installed", lambda: True)
    monkeypatch.setattr("finetune.export.to_llama_cpp._differing", lambda *args: 0.5)
    with pytest.raises(TrainingError, match="50% of 12 rows otherwise"):
        export_llama_cpp(tmp_path / "out", find_model(str(tiny_model)), "float32", activated, ROWS, 4)
    assert not [*(tmp_path / "out").iterdir()]


def test_rounding_to_nf4_is_in_the_file(tiny_model, activated, tmp_path, monkeypatch):
    """An adapter that was trained on 4-bit weights answers worse on others."""
    monkeypatch.setattr("finetune.export.to_llama_cpp.installed", lambda: False)
    write_identity(activated, {**read_identity(activated), "precision": "nf4"})
    assert export_llama_cpp(tmp_path / "o", find_model(str(tiny_model)), "float32", activated, ROWS, 4) is None
    write_model_gguf(tiny_model, tmp_path / "plain.gguf", "tiny")
    rounded, plain = (
        {t.name: dequantize(t.data, t.tensor_type) for t in GGUFReader(tmp_path / name).tensors}
        for name in ("o/model.gguf", "plain.gguf")
    )
    name = "blk.0.ffn_up.weight"
    assert len(np.unique(rounded[name][0, :32])) <= 16 < len(np.unique(plain[name][0, :32]))


def test_what_llama_cpp_cannot_serve_is_refused(tiny_model, tiny_adapter, tmp_path):
    config = json.loads((tiny_adapter / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "use_dora": True}))
    with pytest.raises(TrainingError, match="not plain LoRA"):
        write_adapter_gguf(tmp_path, tiny_model, tmp_path / "a.gguf")
    with pytest.raises(TrainingError, match="type 'gemma3_text'.*convert_hf_to_gguf"):
        GgufLayout({"model_type": "gemma3_text"})
    with pytest.raises(TrainingError, match="type 'llama3'"):
        GgufLayout({"model_type": "llama", "rope_parameters": {"rope_type": "llama3"}})


def test_qwens_heads_keep_their_order():
    rows = torch.arange(8.0)
    sizes = {"num_attention_heads": 1, "num_key_value_heads": 1, "num_hidden_layers": 1}
    module = "model.layers.0.self_attn.q_proj"
    assert GgufLayout({"model_type": "qwen2", **sizes}).ordered(module, rows).tolist() == rows.tolist()
    assert GgufLayout({"model_type": "llama", **sizes}).ordered(module, rows).tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
