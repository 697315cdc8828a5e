"""Keys moved to another position, for models with rotary position embeddings (RoFormer, arXiv 2104.09864)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from rag.errors import ModelError


def mover(layers: Any) -> Callable[[torch.Tensor, int], torch.Tensor]:
    """-> what turns keys (..., tokens, size of a head) as if their tokens stood that many positions later: a rotation by the sum of two angles is the one
    after the other. layers: the model without its output layer. Raises ModelError, when called, for a model whose positions work otherwise."""
    rotary = getattr(layers, "rotary_emb", None)

    def move(keys: torch.Tensor, by: int) -> torch.Tensor:
        if rotary is None:
            raise ModelError("this model has no rotary positions, so its passages can't be read apart: --set prefix.apart=false")
        cos, sin = (t[0, 0] / rotary.attention_scaling for t in rotary(keys.float(), torch.tensor([[by]], device=keys.device)))
        if len(cos) != keys.shape[-1]:
            raise ModelError("this model turns a part of each key alone, so its passages can't be read apart: --set prefix.apart=false")
        first, second = keys.float().chunk(2, -1)
        return (keys.float() * cos + torch.cat([-second, first], -1) * sin).to(keys.dtype)

    return move
