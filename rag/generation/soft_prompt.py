"""Soft prompts (prompt tuning, P-tuning, prefix tuning) as what they are to the base: keys and values before everything else."""

from __future__ import annotations

from typing import Any

import torch
from transformers import Cache

from rag.generation.prefill import Prefix


def is_soft(model: Any) -> bool:
    """Whether it is a PEFT model with virtual tokens. After them the base itself reads and writes: PEFT's forward would put them before every step."""
    config = getattr(model, "active_peft_config", None)
    return config is not None and config.is_prompt_learning


def soft_prompt(model: Any, rows: int) -> Prefix | None:
    """-> the virtual tokens of a model that has them, for that many rows, as its base has read them."""
    if not is_soft(model):
        return None
    base, prompt = model.get_base_model(), model.get_prompt(rows)
    if not isinstance(prompt, Cache):
        prompt = base(inputs_embeds=prompt.to(base.dtype), use_cache=True, logits_to_keep=1).past_key_values
    return Prefix(prompt, torch.ones(rows, prompt.get_seq_length(), dtype=torch.long, device=base.device))
