"""A LoRA adapter as a GGUF file: llama.cpp serves it beside the base, also as activated LoRA."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from gguf import GGUFType, GGUFValueType, GGUFWriter, Keys
from safetensors.torch import load_file

from finetune.export.gguf_names import GgufLayout
from rag.core.errors import TrainingError
from rag.models.merge_lora import PREFIX, plain_scaling


def write_adapter_gguf(adapter: Path, base: Path, out: Path) -> None:
    """Write an adapter in PEFT's format as the GGUF file `out`, in float32.

    base: folder of the model that it was trained on. The file of an activated LoRA names its invocation tokens:
    llama.cpp then uses it from the last place on where they stand in the prompt (Greenewald et al., 2025, arXiv
    2504.12397). Raises TrainingError where the adapter is not plain LoRA on linear layers.
    """
    scaling = plain_scaling(adapter)
    if scaling is None:
        raise TrainingError(f"{adapter} is not plain LoRA, which alone llama.cpp can serve: --set sft.method=lora")
    layout = GgufLayout(json.loads((base / "config.json").read_text(encoding="utf-8")))
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    writer = GGUFWriter(out, layout.name)
    writer.add_type(GGUFType.ADAPTER)
    writer.add_string(Keys.Adapter.TYPE, "lora")
    writer.add_float32(Keys.Adapter.LORA_ALPHA, scaling * config["r"])
    if tokens := config.get("alora_invocation_tokens"):
        kinds = (GGUFValueType.ARRAY, GGUFValueType.UINT32)
        writer.add_key_value(Keys.Adapter.ALORA_INVOCATION_TOKENS, tokens, *kinds)
    for name, matrix in _matrices(adapter, layout):
        writer.add_tensor(name, matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _matrices(adapter: Path, layout: GgufLayout) -> list[tuple[str, np.ndarray]]:
    found = []
    for key, tensor in sorted(load_file(adapter / "adapter_model.safetensors").items()):
        module, _, matrix = key.removeprefix(PREFIX).removesuffix(".weight").rpartition(".lora_")
        rows = layout.ordered(module, tensor.float()) if matrix == "B" else tensor.float()
        found.append((f"{layout.tensor_name(module)}.weight.lora_{matrix.lower()}", rows.contiguous().numpy()))
    return found
