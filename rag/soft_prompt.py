"""Soft prompts (prompt tuning, P-tuning, prefix tuning) as what they are to the base: keys and values before everything else."""

from __future__ import annotations

from typing import Any

import torch
from transformers import Cache

from rag.prefix import Prefix


def soft_prompt(model: Any, rows: int) -> tuple[Any, Prefix | None]:
    """-> the model that reads on, and the virtual tokens of a PEFT model that has them, for that many rows, as it has read them.

    After the virtual tokens the base itself reads and writes: PEFT's forward would put them before every step."""
    config = getattr(model, "active_peft_config", None)
    if config is None or not config.is_prompt_learning:
        return model, None
    base, prompt = model.get_base_model(), model.get_prompt(rows)
    if not isinstance(prompt, Cache):
        prompt = base(inputs_embeds=prompt.to(base.dtype), use_cache=True, logits_to_keep=1).past_key_values
    mask = torch.ones(rows, prompt.get_seq_length(), dtype=torch.long, device=base.device)
    return base, Prefix(prompt, mask)
