"""Soft prompts (prompt tuning, P-tuning, prefix tuning), read as keys and values before all other tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from rag.generation.prefill import Prefix

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


def uses_soft_prompt(model: PreTrainedModel | PeftModel) -> bool:
    """Return whether it is a PEFT model with virtual tokens.

    After these tokens the base itself must be called: PEFT's forward would put them before every step.
    """
    config = getattr(model, "active_peft_config", None)
    return config is not None and config.is_prompt_learning


def soft_prompt_prefix(model: PeftModel, rows: int) -> Prefix | None:
    """Return the prefix of the model's virtual tokens for a batch of that many rows; None if it has none."""
    if not uses_soft_prompt(model):
        return None
    from transformers import Cache

    base, prompt = model.get_base_model(), model.get_prompt(rows)
    if not isinstance(prompt, Cache):
        prompt = base(inputs_embeds=prompt.to(base.dtype), use_cache=True, logits_to_keep=1).past_key_values
    return Prefix(prompt, torch.ones(rows, prompt.get_seq_length(), dtype=torch.long, device=base.device))
