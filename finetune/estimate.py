"""How long training will take here, from one timed step on random tokens of the usual length."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from peft import get_peft_model

from finetune.sft import load_trainable, lora
from rag.models import LocalModel, computes_bfloat16

LENGTH = 520  # tokens: a usual row has 430; the rest stands for padding and the optimizer's step
NEW = 24  # tokens of a usual output


@dataclass(frozen=True)
class Cost:
    """Seconds a row: of a training step (forward and backward), of reading a prompt, and of writing an answer in a batch of eight."""

    train: float
    read: float
    write: float


def measure(model: LocalModel, device: str, precision: str, rank: int, batch: int) -> Cost:
    """Second of two runs each, so that start-up costs are left out."""
    _, base = load_trainable(model, device, precision)
    ids = torch.randint(5, base.config.vocab_size, (batch, LENGTH), device=device)
    with torch.inference_mode():
        read = min(_seconds(lambda: base(ids, logits_to_keep=1)) for _ in range(2)) / batch
        cache = base(ids[:, :8], use_cache=True).past_key_values
        write = NEW * min(_seconds(lambda: base(ids[:, :1], past_key_values=cache)) for _ in range(2)) / batch
    tuned = get_peft_model(base, lora(rank)).train()

    def step() -> None:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=computes_bfloat16(device)):
            tuned(ids, logits_to_keep=16).logits.float().logsumexp(-1).mean().backward()

    return Cost(min(_seconds(step) for _ in range(2)) / batch, read, write)


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plan(cost: Cost, candidates: int, sft_epochs: int, dpo_pairs: int, dpo_epochs: int) -> dict[str, float]:
    """-> seconds a stage, before anything is mined: about 7 in 10 candidates become rows, one in seven of those for development."""
    rows, dev = 0.6 * candidates, 0.1 * candidates
    return {
        "mine": candidates * (0.3 * cost.read + cost.write + 0.05),  # the writer's prompts are short; each question is searched for
        "sft": rows * sft_epochs * cost.train + 2 * sft_epochs * dev * cost.read,
        "dpo": 2 * dpo_pairs * (cost.read + cost.write) + dpo_pairs * 2 * (dpo_epochs * cost.train + cost.read),
        "base against tuned": 3 * dev * (cost.read + cost.write),
    }
