"""QA-LoRA (arXiv 2309.14717) on linear layers, plain or of bitsandbytes: LoRA on inputs that are summed over groups. PEFT 0.21 has it for GPTQ layers alone
and would train plain LoRA on others without a word."""

from __future__ import annotations

from typing import Any

import bitsandbytes
import torch
from peft import LoraConfig
from peft.tuners.lora import Linear, Linear4bit
from peft.tuners.lora.variants import QALoraLinearVariant


class Grouped(QALoraLinearVariant):
    """PEFT's own computation, and the change of the weights that it comes to. PEFT multiplies a group's mean by the number of groups, where the paper has
    the size of a group; so it stays, that an adapter means the same on a GPTQ base."""

    @staticmethod
    def get_delta_weight(module: Any, active_adapter: str) -> torch.Tensor:
        first, second, group = (
            module.lora_A[active_adapter].weight,
            module.lora_B[active_adapter].weight,
            module.qalora_group_size[active_adapter],
        )
        return second @ first.repeat_interleave(group, 1) * (module.scaling[active_adapter] * first.shape[1] / group)

    @staticmethod
    def merge_safe(module: Any, active_adapter: str, orig_weight: torch.Tensor) -> torch.Tensor:
        return orig_weight + Grouped.get_delta_weight(module, active_adapter).to(orig_weight.dtype)


class GroupedLinear(Linear):
    def resolve_lora_variant(self, **options: Any) -> Grouped:
        return Grouped()


class GroupedLinear4bit(Linear4bit):
    def resolve_lora_variant(self, **options: Any) -> Grouped:
        return Grouped()


def on_linear(config: LoraConfig) -> LoraConfig:
    """-> the same configuration, with which PEFT puts QA-LoRA on linear layers too. It is not saved: needed again wherever the adapter is loaded."""
    config._register_custom_module({bitsandbytes.nn.Linear4bit: GroupedLinear4bit, torch.nn.Linear: GroupedLinear})
    return config
