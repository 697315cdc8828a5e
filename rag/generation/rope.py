"""Keys moved to other positions, for models with rotary position embeddings (Su et al. 2021, arXiv 2104.09864)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def uses_rope(layers: PreTrainedModel) -> bool:
    """Return whether the model's keys can be moved: all layers use the same rotation, of whole keys.

    layers: the model without its output layer.
    """
    frequencies, config = getattr(getattr(layers, "rotary_emb", None), "inv_freq", None), layers.config
    if frequencies is None or hasattr(layers, "rotary_emb_local"):
        return False
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * len(frequencies) == head_size


def key_rotation(layers: PreTrainedModel) -> Callable[[torch.Tensor, int], torch.Tensor]:
    """Return a function that moves keys (..., tokens, head size) by a number of positions.

    Rotating by one angle and then by another is rotating by their sum, so keys need not be computed again.
    layers: a model for which uses_rope() holds, without its output layer.
    """

    def rotate(keys: torch.Tensor, positions: int) -> torch.Tensor:
        exact, scale = keys.float(), layers.rotary_emb.attention_scaling
        angles = layers.rotary_emb(exact, torch.tensor([[positions]], device=keys.device))
        cos, sin = (angle[0, 0] / scale for angle in angles)
        first, second = exact.chunk(2, -1)
        return (exact * cos + torch.cat([-second, first], -1) * sin).to(keys.dtype)

    return rotate
