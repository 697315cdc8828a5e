"""Perplexity on text of another domain: what a model has forgotten of the language when it was trained."""

from __future__ import annotations

import math
import pydoc_data.topics
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

WINDOWS, WINDOW = 16, 256  # stretches of the text that are read, and the tokens of each


def other_text(file: Path | None = None) -> str:
    """Return the text of a file, or Python's own reference manual, which comes with Python and is in no corpus."""
    return file.read_text(encoding="utf-8") if file else "\n\n".join(pydoc_data.topics.topics.values())


@torch.inference_mode()
def perplexity(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str) -> float:
    """Return exp of the mean negative log-likelihood of a token, over windows spread evenly over the text.

    model: a causal model, or one of PEFT's, in whatever state it is; virtual tokens are not counted.
    """
    was_training = model.training
    model.eval()
    ids = tokenizer(text, return_tensors="pt", verbose=False).input_ids[0]
    starts = range(0, max(1, len(ids) - WINDOW), max(1, (len(ids) - WINDOW) // WINDOWS))
    losses = []
    for start in list(starts)[:WINDOWS]:
        window = ids[None, start : start + WINDOW].to(model.device)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=model.dtype == torch.bfloat16):
            losses.append(float(model(input_ids=window, labels=window).loss))
    model.train(was_training)
    return math.exp(sum(losses) / len(losses))
