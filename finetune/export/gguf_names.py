"""How a model's weights are named and laid out in a GGUF file, for the architectures that are written here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, get_tensor_name_map

from rag.core.errors import TrainingError

# By transformers' model_type. llama.cpp turns the pairs of rotary positions of "llama" another way than transformers.
ARCHITECTURES = {"llama": MODEL_ARCH.LLAMA, "qwen2": MODEL_ARCH.QWEN2}
ROTATED = re.compile(r"\.(q|k)_proj$")


@dataclass(frozen=True)
class GgufLayout:
    """Names and order of a model's weights in GGUF.

    config: the model's config.json.
    """

    config: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Raise TrainingError where the model is of a kind that is not written here."""
        kind = self.config.get("model_type")
        positions = (self.config.get("rope_parameters") or {}).get("rope_type", "default")
        if kind not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise TrainingError(f"models of type {kind!r} are not written as GGUF here, only {known}: {_BY_LLAMA_CPP}")
        if positions != "default":
            raise TrainingError(f"positions of type {positions!r} are not written as GGUF here: {_BY_LLAMA_CPP}")

    @property
    def name(self) -> str:
        """The architecture's name in llama.cpp."""
        return MODEL_ARCH_NAMES[ARCHITECTURES[self.config["model_type"]]]

    def tensor_name(self, module: str) -> str:
        """Return the name of a module's weights without ".weight", such as "blk.0.attn_q".

        module: as transformers names it, "model.layers.0.self_attn.q_proj". Raises TrainingError where it has none.
        """
        names = get_tensor_name_map(ARCHITECTURES[self.config["model_type"]], self.config["num_hidden_layers"])
        found = names.get_name(module)
        if found is None:
            raise TrainingError(f"{module} has no name in GGUF files of {self.name}: {_BY_LLAMA_CPP}")
        return found

    def ordered(self, module: str, rows: torch.Tensor) -> torch.Tensor:
        """Return a module's weights or biases, or LoRA's matrix B, with rows in llama.cpp's order.

        rows: (outputs, ...). transformers rotates the first half of a head's numbers with the second half, llama.cpp's
        "llama" each number with the next one.
        """
        found = ROTATED.search(module)
        if self.config["model_type"] != "llama" or not found:
            return rows
        heads = self.config["num_attention_heads"]
        if found[1] == "k":
            heads = self.config.get("num_key_value_heads") or heads
        halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
        return halves.swapaxes(1, 2).reshape(rows.shape)


_BY_LLAMA_CPP = "write the model folder, and convert it with llama.cpp's convert_hf_to_gguf.py"
