"""Merging of a plain LoRA adapter without PEFT.

Importing PEFT costs a cold question 1.1 s of CPU time (PEFT 0.21, 2 cores), most of it for methods that are not used:

    python -c "import time, transformers.modeling_utils; s = time.process_time(); import peft; \
               print(time.process_time() - s)"
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rag.core.jsonl import json_object
from rag.models.cpu_kernels import PackedLinear, copy_modules, give_weight, unpacked_weight

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PREFIX = "base_model.model."  # that PEFT puts before the names of the base's modules
# Settings in PEFT's adapter_config.json that do not change what the saved weights add to the base.
INERT = frozenset(
    "alora_invocation_tokens auto_mapping base_model_name_or_path exclude_modules inference_mode init_lora_weights "
    "layers_pattern layers_to_transform lora_alpha lora_dropout megatron_core peft_type peft_version "
    "qalora_group_size r revision target_modules task_type".split()
)
PLAIN_STARTS = (True, False, "gaussian")  # of init_lora_weights; others also change the base's weights


def merged_copy(base: PreTrainedModel, adapter: Path) -> PreTrainedModel | None:
    """Return a copy of the base with a LoRA adapter merged into its weights.

    That is W + B A * alpha / r (Hu et al. 2021, arXiv 2106.09685), to the bit as PEFT merges it. The copy shares all
    other weights with the base, which stays unchanged. Returns None where PEFT is needed: for variants of LoRA, and
    adapters of other modules than linear layers.
    """
    from safetensors.torch import load_file

    scaling, weights = plain_scaling(adapter), adapter / "adapter_model.safetensors"
    if scaling is None or not weights.exists():
        return None
    pairs = _pairs(load_file(weights, device=str(base.device)))
    if pairs is None or not all(type(_module(base, name)) in (torch.nn.Linear, PackedLinear) for name in pairs):
        return None
    model = copy_modules(base)
    for name, (down, up) in pairs.items():
        module = model.get_submodule(name)
        weight, delta = unpacked_weight(module), up.float() @ down.float() * scaling
        give_weight(module, (weight.float() + delta).to(weight.dtype))
    return model.eval()


def plain_scaling(adapter: Path) -> float | None:
    """Return alpha / r of an adapter's configuration, None where it is not plain LoRA."""
    try:
        config = json_object((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # PEFT says what is wrong with it
    special = {key: value for key, value in config.items() if key not in INERT and value not in (None, False, "none")}
    plain = config.get("peft_type") == "LORA" and config.get("init_lora_weights", True) in PLAIN_STARTS
    return config["lora_alpha"] / config["r"] if plain and not any(special.values()) else None


def _pairs(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[torch.Tensor, torch.Tensor]] | None:
    """Return the matrices A and B by module; None where there are other tensors."""
    names = {key.removeprefix(PREFIX).rpartition(".lora_")[0] for key in tensors}
    keys = {name: (f"{PREFIX}{name}.lora_A.weight", f"{PREFIX}{name}.lora_B.weight") for name in names}
    if {key for pair in keys.values() for key in pair} != tensors.keys():
        return None
    return {name: (tensors[down], tensors[up]) for name, (down, up) in keys.items()}


def _module(base: PreTrainedModel, name: str) -> torch.nn.Module | None:
    try:
        return base.get_submodule(name)
    except AttributeError:
        return None
