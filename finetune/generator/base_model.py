"""A base that can be trained on, and what it takes on this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import trl.trainer.utils

from finetune.generator.prefix_attention import NAME as AFTER_PREFIX
from rag.core.sections import PrefixSettings
from rag.generation.rope import uses_rope
from rag.models.causal_lm import load_base
from rag.models.resolve import LocalModel


@dataclass(frozen=True)
class TrainableModel:
    """model: the loaded base, frozen by PEFT once it carries an adapter. source: where it came from. prefix: how it reads passages."""

    tokenizer: Any
    model: Any
    source: LocalModel
    device: str
    precision: str
    prefix: PrefixSettings

    @property
    def reads_as(self) -> str:
        """What its keys and values depend on besides the tokens."""
        return f"{self.source.digest} {self.precision} {self.device}"


def load_trainable(
    model: LocalModel, device: str, precision: str, prefix: PrefixSettings | None = None, unpack: bool = True
) -> TrainableModel:
    """load_base, for training. On CPUs with AVX-512-BF16, bitsandbytes 0.50 repacks 4-bit weights at the first evaluation for a kernel that has
    no gradient and never packs them back: from then on nothing would flow through the base's layers, with no more than a warning."""
    tokenizer, base = load_base(model, device, precision, unpack)
    for module in base.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    prefix = prefix or PrefixSettings()
    return TrainableModel(
        tokenizer, base, model, device, precision, replace(prefix, apart=prefix.apart and uses_rope(base.base_model))
    )


def attend_after_prefix(base: Any, device: str) -> None:
    """On a CPU only: on GPUs torch's own attention is fused, and keeps no scores for the gradient."""
    if device == "cpu":
        base.set_attn_implementation(AFTER_PREFIX)


def float32_adapter(model: Any) -> None:
    """TRL makes a quantized model's adapter bfloat16, whose 8 bits of mantissa lose small updates; the adapter is small, float32 costs nothing."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def score_labels_only() -> None:
    """Have TRL 1.16 project only labelled positions on the vocabulary, as it does on CUDA: on a CPU it scores every prompt token as well,
    to the same loss, which took 40 % of a step here."""
    trl.trainer.utils._use_triton = lambda device: True
