"""Plain LoRA (Hu et al. 2021, arXiv 2106.09685) added to a model's weights without PEFT.

Importing PEFT costs a cold question about 1.1 s of CPU time, most of it for methods that no adapter here uses:

    python -c "import time, transformers.modeling_utils as t; s = time.process_time(); import peft; \
               print(time.process_time() - s)"

The weights are those of PEFT's own merge, to the bit. Whatever is not plain LoRA on linear layers is left to PEFT.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX, DOWN, UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
# Settings that do not change what plain LoRA adds to the weights, or that are read here. Any other must be off.
ALLOWED = frozenset(
    "alora_invocation_tokens auto_mapping base_model_name_or_path exclude_modules inference_mode init_lora_weights "
    "layers_pattern layers_to_transform lora_alpha lora_dropout megatron_core peft_version qalora_group_size r "
    "revision target_modules task_type use_rslora".split()
)


def is_plain_lora(model: PreTrainedModel, adapter: Path) -> bool:
    """Tell whether the adapter is plain LoRA on linear layers of the model, and nothing beyond that."""
    import torch
    from safetensors import safe_open

    config = _read_config(adapter)
    special = {key: value for key, value in config.items() if key not in ALLOWED and value}
    plain = special == {"peft_type": "LORA", "bias": "none"} and isinstance(config.get("init_lora_weights"), bool)
    if not plain or not (adapter / WEIGHTS).exists():
        return False
    layers = dict(model.named_modules())
    with safe_open(adapter / WEIGHTS, "numpy") as stored:
        return all(isinstance(layers.get(_layer_of(name)), torch.nn.Linear) for name in list(stored.keys()))


def merge_lora(model: PreTrainedModel, adapter: Path) -> None:
    """Add to each layer's weights the product of its two LoRA matrices, for adapters that are plain LoRA."""
    import torch
    from safetensors.torch import load_file

    config = _read_config(adapter)
    scale = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
    stored = load_file(adapter / WEIGHTS, device=str(model.device))
    layers = dict(model.named_modules())
    for name in stored:
        if name.endswith(DOWN):
            up, down = stored[name.removesuffix(DOWN) + UP], stored[name]
            with torch.no_grad():
                layers[_layer_of(name)].weight += (up.float() @ down.float()) * scale


def _layer_of(name: str) -> str:
    """Return the layer's name in the model; "" where the tensor is none of LoRA's two matrices."""
    matrix = next((suffix for suffix in (DOWN, UP) if name.endswith(suffix)), None)
    return name.removeprefix(PREFIX).removesuffix(matrix) if matrix else ""


def _read_config(adapter: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    return config
