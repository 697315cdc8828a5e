"""Loading a causal language model in a given precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from rag.core.errors import ModelError
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase

UNPACKED = 0.25  # share of the machine's memory that 4-bit weights may take when they are unpacked


def load_base(
    model: LocalModel, device: str, precision: str, unpack: bool = True
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Load the tokenizer, and the model on the device.

    precision: "bfloat16", "float32", or "nf4": QLoRA's 4-bit NormalFloat with double quantization, computing in
    bfloat16 where the device can, else in float32. unpack: on a CPU such weights are unpacked once where memory allows.
    That gives the same numbers in up to a third of the time of unpacking them at every step. Raises ModelError when the
    model has no chat template.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    low = precision == "bfloat16" or (precision == "nf4" and computes_bfloat16(device))
    dtype = torch.bfloat16 if low else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(model.path, local_files_only=True)
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{model.name} has no chat template; choose an instruct model with --set model.generator=...")
    base = AutoModelForCausalLM.from_pretrained(
        model.path,
        local_files_only=True,
        dtype=dtype,
        device_map={"": device},
        quantization_config=_four_bit(dtype) if precision == "nf4" else None,
    ).eval()
    unpacked_size = base.num_parameters() * dtype.itemsize
    room = UNPACKED * psutil.virtual_memory().total
    if unpack and precision == "nf4" and device == "cpu" and unpacked_size < room:
        base.dequantize()
    return tokenizer, base


def _four_bit(dtype: torch.dtype) -> BitsAndBytesConfig:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
