"""Keys moved to another position, for models with rotary position embeddings (RoFormer, arXiv 2104.09864)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def uses_rope(layers: Any) -> bool:
    """Whether the model's keys can be moved: one rotation for all layers, of whole keys. layers: the model without its output layer."""
    frequencies, config = getattr(getattr(layers, "rotary_emb", None), "inv_freq", None), layers.config
    if frequencies is None or hasattr(layers, "rotary_emb_local"):
        return False
    return 2 * len(frequencies) == (
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )


def key_rotation(layers: Any) -> Callable[[torch.Tensor, int], torch.Tensor]:
    """-> what turns keys (..., tokens, size of a head) as if their tokens stood that many positions later: a rotation by the sum of two angles is the one
    after the other. layers: of a movable model."""

    def move(keys: torch.Tensor, by: int) -> torch.Tensor:
        cos, sin = (
            t[0, 0] / layers.rotary_emb.attention_scaling
            for t in layers.rotary_emb(keys.float(), torch.tensor([[by]], device=keys.device))
        )
        first, second = keys.float().chunk(2, -1)
        return (keys.float() * cos + torch.cat([-second, first], -1) * sin).to(keys.dtype)

    return move
