"""Attention for training on cached passages: most keys and values come from the cache, and no gradient reaches them."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

PREFIX_ATTENTION = "ragtune_after_prefix"  # the name under which transformers knows it


def after_prefix(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Compute softmax(QK^T × scaling)V without gradients for the cached keys and values.

    No key is copied for the query heads that share it (grouped-query attention: Ainslie et al., 2023, arXiv
    2305.13245). Without a cache, as when passages are encoded, torch's own attention is faster and is used.

    query: (rows, heads, tokens, size). key, value: (rows, key heads, cached + tokens, size). attention_mask: (rows, 1,
    tokens, cached + tokens), true where a token is seen. Returns (rows, tokens, heads, size).
    """
    rows, heads, tokens, size = query.shape
    key_heads, cached = key.shape[1], key.shape[2] - tokens
    if not cached:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
        return output, None
    grouped = (query * scaling).reshape(rows, key_heads, -1, size)
    cached_keys, cached_values = key[:, :, :cached].detach(), value[:, :, :cached].detach()
    own_keys, own_values = key[:, :, cached:], value[:, :, cached:]
    scores = torch.cat([grouped @ cached_keys.transpose(2, 3), grouped @ own_keys.transpose(2, 3)], -1)
    if attention_mask is not None:
        lowest = torch.finfo(scores.dtype).min
        bias = torch.zeros_like(attention_mask, dtype=scores.dtype).masked_fill_(~attention_mask, lowest)
        scores.view(rows, key_heads, -1, tokens, cached + tokens).add_(bias[:, :, None])
    weights = scores.softmax(-1)  # torch sums in float32 whatever the type
    output = weights[..., :cached] @ cached_values + weights[..., cached:] @ own_values
    return output.view(rows, heads, tokens, size).transpose(1, 2), None


AttentionInterface.register(PREFIX_ATTENTION, after_prefix)
AttentionMaskInterface.register(PREFIX_ATTENTION, sdpa_mask)
