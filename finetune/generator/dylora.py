"""The rank is chosen after training, in the manner of DyLoRA (Valipour et al., 2022, arXiv 2210.07558).

At each step only the first b ranks of every LoRA layer act, b drawn anew, so that the first ranks learn to do without
the later ones. One training then gives an adapter of every rank; the smallest that is nearly as good as any is kept.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import Trainer, TrainerCallback

from finetune.generator.callbacks import AnswerF1
from finetune.settings import SftSettings

ALL_RANKS = "all-ranks"  # folder of the adapter before its rank was chosen, beside the checkpoints
TOLERANCE = 0.02  # of the best development loss, by which a smaller rank may be worse


class RankLimit(TrainerCallback):
    """Has the first ranks of a LoRA adapter act alone: a new random number of them at each training step."""

    def __init__(self, tuned: PeftModel):
        self.highest: int = tuned.peft_config["default"].r
        self.rank = self.highest
        self._random = random.Random(0)
        for layer in tuned.modules():
            if isinstance(layer, LoraLayer):
                layer.lora_A["default"].register_forward_hook(self._cut)

    def _cut(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return output * (torch.arange(output.shape[-1], device=output.device) < self.rank).to(output.dtype)

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        self.rank = self._random.randint(1, self.highest)

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.rank = self.highest  # evaluations during training, and the checkpoint that they choose, are of all ranks


def limit_ranks(trainer: Trainer, settings: SftSettings) -> None:
    """Have the trainer draw a rank at each step."""
    trainer.add_callback(RankLimit(trainer.model))


def choose_rank(trainer: Trainer) -> None:
    """Cut the trained adapter down to the smallest rank whose development loss is within TOLERANCE of the best.

    Tried are the powers of two and the highest rank. The adapter of all ranks is kept beside the checkpoints, in
    ALL_RANKS: `truncate_ranks` makes one of any rank of it.
    """
    limit = trainer.pop_callback(RankLimit)
    trainer.model.save_pretrained(str(Path(trainer.args.output_dir).parent / ALL_RANKS))
    answers = trainer.pop_callback(AnswerF1)  # the loss is enough
    losses = {}
    for rank in sorted({1 << power for power in range(limit.highest.bit_length())} | {limit.highest}):
        limit.rank = rank
        losses[rank] = trainer.evaluate()["eval_loss"]
    limit.rank = limit.highest
    trainer.add_callback(answers)
    chosen = smallest_good_rank(losses)
    truncate_ranks(trainer.model, chosen)
    shown = ", ".join(f"{rank}: {loss:.3f}" for rank, loss in losses.items())
    print(f"development loss by rank: {shown}; rank {chosen} is kept")


def smallest_good_rank(losses: dict[int, float]) -> int:
    """Return the smallest rank whose loss is within TOLERANCE of the lowest one."""
    return min(rank for rank, loss in losses.items() if loss <= min(losses.values()) * (1 + TOLERANCE))


def truncate_ranks(tuned: PeftModel, rank: int) -> None:
    """Keep the first ranks of a LoRA adapter, in place, with the same scaling."""
    config = tuned.peft_config["default"]
    config.lora_alpha, config.r = config.lora_alpha * rank / config.r, rank
    for layer in tuned.modules():
        if isinstance(layer, LoraLayer):
            down, up = layer.lora_A["default"], layer.lora_B["default"]
            down.weight = nn.Parameter(down.weight.detach()[:rank].clone())
            up.weight = nn.Parameter(up.weight.detach()[:, :rank].clone())
            down.out_features = up.in_features = rank
            layer.r["default"], layer.lora_alpha["default"] = rank, config.lora_alpha
