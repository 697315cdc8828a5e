"""Attention for training from the question on, where most keys and values are kept ones that no gradient needs to reach."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "ragtune_after_prefix"


def after_prefix(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """softmax(QK^T × scaling)V, with no gradient for the keys and values before the queries' own, and without a copy of a key for each query head
    that shares it (grouped-query attention, arXiv 2305.13245). Where nothing is before, as in reading, torch's own attention, which is faster there.

    query: (rows, heads, tokens, size); key, value: (rows, key heads, kept + tokens, size); attention_mask: true where seen; -> (rows, tokens, heads, size)."""
    rows, heads, tokens, size = query.shape
    shared, kept = key.shape[1], key.shape[2] - tokens
    if not kept:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
    asked = (query * scaling).reshape(rows, shared, -1, size)
    before, own = (key[:, :, :kept].detach(), value[:, :, :kept].detach()), (key[:, :, kept:], value[:, :, kept:])
    scores = torch.cat([asked @ before[0].transpose(2, 3), asked @ own[0].transpose(2, 3)], -1)
    if attention_mask is not None:
        hidden = torch.zeros_like(attention_mask, dtype=scores.dtype).masked_fill_(
            ~attention_mask, torch.finfo(scores.dtype).min
        )
        scores.view(rows, shared, -1, tokens, kept + tokens).add_(hidden[:, :, None])
    weights = scores.softmax(-1)  # torch sums in float32 whatever the type
    said = weights[..., :kept] @ before[1] + weights[..., kept:] @ own[1]
    return said.view(rows, heads, tokens, size).transpose(1, 2), None


AttentionInterface.register(NAME, after_prefix)
AttentionMaskInterface.register(NAME, sdpa_mask)
