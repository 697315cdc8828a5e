"""Answering with less work on a CPU: weights laid out once as its vector units read them, and keys that several heads share used without copies of them."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from rag.models.device import computes_bfloat16

NAME = "ragtune_shared_keys"
FEW = 16  # rows that the layout of float32 weights is chosen for


class PackedLinear(torch.nn.Linear):
    """torch.nn.Linear without gradients over a weight in oneDNN's layout: in bfloat16 the plain one is laid out anew at every call, in float32 it goes through
    MKL, which is slower at a few rows."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


def shared_keys(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """torch's fused attention with grouped queries (arXiv 2305.13245) as they are; transformers copies each key for every head where there is a mask.

    query: (rows, heads, tokens, size); key, value: (rows, key heads, all tokens, size); attention_mask: true where seen; -> (rows, tokens, heads, size)."""
    causal = attention_mask is None and query.shape[2] > 1
    said = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attention_mask, is_causal=causal, scale=scaling, enable_gqa=True
    )
    return said.transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, shared_keys)
AttentionMaskInterface.register(NAME, sdpa_mask)


def use_cpu_kernels(models: list[Any], device: str) -> None:
    """Make causal models, which may share weights, faster where they are on a CPU: the same tokens, but no gradients and no plain weights from here on."""
    if device != "cpu":
        return
    packed: dict[int, torch.Tensor] = {}  # by weight: none is made meanwhile, so that no id comes back
    for model in models:
        if model.config._attn_implementation == "sdpa":
            model.set_attn_implementation(NAME)
        for module in model.modules():
            if type(module) is torch.nn.Linear and (module.weight.dtype == torch.float32 or computes_bfloat16(device)):
                _pack(module, packed)


def _pack(module: torch.nn.Linear, packed: dict[int, torch.Tensor]) -> None:
    key = id(module.weight)
    if key not in packed:
        rows = FEW if module.weight.dtype == torch.float32 else None
        packed[key] = torch.ops.mkldnn._reorder_linear_weight(module.weight.detach(), rows)
    module.packed, module.weight, module.__class__ = packed[key], None, PackedLinear
