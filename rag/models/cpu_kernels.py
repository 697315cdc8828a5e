"""Faster arithmetic on CPUs: weights in the layout of oneDNN, and grouped-query attention without copied keys."""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING

import torch

from rag.models.device import computes_bfloat16

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ATTENTION = "ragtune_grouped_query"  # the name under which transformers knows our attention
FEW_ROWS = 16  # tokens at a time that the layout of float32 weights is chosen for: drafts and beams


class PackedLinear(torch.nn.Linear):
    """torch.nn.Linear without gradients, over a weight in oneDNN's layout.

    A plain bfloat16 weight is laid out anew at every call, and a float32 one goes through MKL, which is slower at a few
    rows.
    """

    packed: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


def grouped_query_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **options: object,
) -> tuple[torch.Tensor, None]:
    """Compute attention by torch's fused kernel with shared keys (Ainslie et al. 2023, arXiv 2305.13245).

    With a mask, transformers would copy each key for every head that shares it. query: (rows, heads, tokens, size).
    key, value: (rows, key heads, all tokens, size). attention_mask: true where a token attends. Returns (rows, tokens,
    heads, size).
    """
    causal = attention_mask is None and query.shape[2] > 1
    output = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attention_mask, is_causal=causal, scale=scaling, enable_gqa=True
    )
    return output.transpose(1, 2).contiguous(), None


@cache
def _register_attention() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(ATTENTION, grouped_query_attention)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)


def use_cpu_kernels(models: list[PreTrainedModel], device: str) -> None:
    """Make causal models on a CPU faster, in place; does nothing on other devices.

    The models, which may share weights, generate the same tokens, but cannot be trained any more.
    """
    if device != "cpu":
        return
    _register_attention()
    packed: dict[int, torch.Tensor] = {}  # by id of the weight; no weight is created meanwhile, so ids stay unique
    for model in models:
        if model.config._attn_implementation == "sdpa":
            model.set_attn_implementation(ATTENTION)
        for module in model.modules():
            if type(module) is torch.nn.Linear and (module.weight.dtype == torch.float32 or computes_bfloat16(device)):
                _pack(module, packed)


def unpacked_weight(module: torch.nn.Linear) -> torch.Tensor:
    """Return the weight of a linear layer, (outputs, inputs), in torch's layout: to the bit what was packed."""
    return module.packed.to_dense() if isinstance(module, PackedLinear) else module.weight.detach()


def give_weight(module: torch.nn.Linear, weight: torch.Tensor) -> None:
    """Let a linear layer, packed or not, compute with another weight, in torch's layout."""
    module.__dict__.pop("packed", None)
    module.__class__ = torch.nn.Linear
    module.weight = torch.nn.Parameter(weight, requires_grad=False)


def copy_modules(model: PreTrainedModel, own_weights: bool = False) -> PreTrainedModel:
    """Return a copy of a model's modules, which may be changed while the model stays as it is.

    The copy shares its weights with the model. own_weights: it has its own, but for packed ones.
    """
    shared = [module.packed for module in model.modules() if isinstance(module, PackedLinear)]
    if not own_weights:
        shared += model.parameters()
    return copy.deepcopy(model, {id(weight): weight for weight in shared})


def unpack(model: PreTrainedModel) -> PreTrainedModel:
    """Give a model's packed layers weights of their own in torch's layout, in place, and return it."""
    for module in model.modules():
        if isinstance(module, PackedLinear):
            give_weight(module, unpacked_weight(module))
    return model


def _pack(module: torch.nn.Linear, packed: dict[int, torch.Tensor]) -> None:
    key = id(module.weight)
    if key not in packed:
        rows = FEW_ROWS if module.weight.dtype == torch.float32 else None
        packed[key] = torch.ops.mkldnn._reorder_linear_weight(module.weight.detach(), rows)
    module.register_parameter("weight", None)
    module.packed = packed[key]
    module.__class__ = PackedLinear
