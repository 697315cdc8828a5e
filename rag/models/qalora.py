"""QA-LoRA (arXiv 2309.14717) on linear layers, plain or of bitsandbytes: LoRA on inputs that are averaged over groups.

PEFT 0.21 has it for GPTQ layers alone, and would train plain LoRA on others without a warning.
"""

from __future__ import annotations

from typing import Any

import bitsandbytes
import torch
from peft import LoraConfig
from peft.tuners.lora import Linear, Linear4bit, LoraLayer
from peft.tuners.lora.variants import QALoraLinearVariant


class GroupedVariant(QALoraLinearVariant):
    """PEFT's own forward pass, and the change of the weights that it amounts to.

    PEFT multiplies a group's mean by the number of groups, where the paper has the size of a group. It stays so, that
    an adapter means the same on a GPTQ base.
    """

    @staticmethod
    def get_delta_weight(module: LoraLayer, active_adapter: str) -> torch.Tensor:
        """Return the change of a layer's weights, (out_features, in_features)."""
        down, up = module.lora_A[active_adapter].weight, module.lora_B[active_adapter].weight
        group = module.qalora_group_size[active_adapter]
        scale = module.scaling[active_adapter] * down.shape[1] / group
        delta: torch.Tensor = up @ down.repeat_interleave(group, 1) * scale
        return delta

    @staticmethod
    def merge_safe(module: LoraLayer, active_adapter: str, orig_weight: torch.Tensor) -> torch.Tensor:
        """Return a layer's weights with the change added."""
        return orig_weight + GroupedVariant.get_delta_weight(module, active_adapter).to(orig_weight.dtype)


class GroupedLinear(Linear):
    """A plain linear layer with QA-LoRA."""

    def resolve_lora_variant(self, **options: Any) -> GroupedVariant:
        """Return what computes the adapter's part."""
        return GroupedVariant()


class GroupedLinear4bit(Linear4bit):
    """A 4-bit linear layer of bitsandbytes with QA-LoRA."""

    def resolve_lora_variant(self, **options: Any) -> GroupedVariant:
        """Return what computes the adapter's part."""
        return GroupedVariant()


def support_linear_layers(config: LoraConfig) -> LoraConfig:
    """Make PEFT put QA-LoRA on linear layers too, and return the same configuration.

    This is not saved with the adapter: it is needed again wherever the adapter is loaded.
    """
    config._register_custom_module({bitsandbytes.nn.Linear4bit: GroupedLinear4bit, torch.nn.Linear: GroupedLinear})
    return config
