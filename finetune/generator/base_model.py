"""The base model as training needs it: loaded with gradients that flow on this machine, and how it encodes passages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from finetune.generator.prefix_attention import PREFIX_ATTENTION
from rag.core.sections import PrefixSettings
from rag.generation.rope import uses_rope
from rag.models.causal_lm import load_base
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class TrainableModel:
    """A loaded base model, which PEFT freezes once it carries an adapter.

    source: where it was loaded from. prefix: how it encodes passages; `apart` is false where its positions do not allow
    passages to be encoded one by one.
    """

    tokenizer: PreTrainedTokenizerBase
    model: PreTrainedModel
    source: LocalModel
    device: str
    precision: str
    prefix: PrefixSettings

    @property
    def cache_identity(self) -> str:
        """Return what the keys and values of passages depend on besides their tokens."""
        return f"{self.source.digest} {self.precision} {self.device}"


def load_trainable(
    model: LocalModel, device: str, precision: str, prefix: PrefixSettings | None = None, unpack: bool = True
) -> TrainableModel:
    """Load a base model for training.

    unpack: whether 4-bit weights are kept unpacked on a CPU, as in `load_base`. On CPUs with AVX-512-BF16, bitsandbytes
    0.50 repacks 4-bit weights at the first evaluation for a kernel without a gradient, and never packs them back. From
    then on no gradient would reach the layers below, with no more than a warning: so that kernel is switched off.
    """
    tokenizer, base = load_base(model, device, precision, unpack)
    for module in base.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    prefix = prefix or PrefixSettings()
    prefix = replace(prefix, apart=prefix.apart and uses_rope(base.base_model))
    return TrainableModel(tokenizer, base, model, device, precision, prefix)


def use_prefix_attention(base: PreTrainedModel, device: str) -> None:
    """Switch the base to attention without gradients for cached passages, on a CPU.

    On GPUs torch's own attention is fused and keeps no scores for the gradient, so that it is faster.
    """
    if device == "cpu":
        base.set_attn_implementation(PREFIX_ATTENTION)


def cast_adapter_to_float32(model: PreTrainedModel) -> None:
    """Turn the trainable weights to float32.

    TRL makes a quantized model's adapter bfloat16, whose 8 bits of mantissa lose small updates. The adapter is small:
    float32 costs nothing.
    """
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
