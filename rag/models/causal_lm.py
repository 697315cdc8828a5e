"""Loading a causal model in the precision that it is to have."""

from __future__ import annotations

from typing import Any

import psutil
import torch

from rag.core.errors import ModelError
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel

UNPACKED = 0.25  # share of the machine's memory up to which 4-bit weights are unpacked


def load_base(model: LocalModel, device: str, precision: str, unpack: bool = True) -> tuple[Any, Any]:
    """-> tokenizer, and causal model on the device; precision "nf4" is QLoRA's 4-bit NormalFloat with double quantization, computing in bfloat16
    where the device can, else in float32. On a CPU these weights are unpacked once (unless not `unpack`) where memory allows: the same numbers, in
    up to a third of the time of unpacking them at every step."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    low = precision == "bfloat16" or precision == "nf4" and computes_bfloat16(device)
    dtype = torch.bfloat16 if low else torch.float32
    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}}
    if precision == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
        )
    tokenizer = AutoTokenizer.from_pretrained(model.path, local_files_only=True)
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{model.name} has no chat template; choose an instruct model with --set model.generator=...")
    base = AutoModelForCausalLM.from_pretrained(model.path, local_files_only=True, **options).eval()
    if (
        unpack
        and precision == "nf4"
        and device == "cpu"
        and base.num_parameters() * dtype.itemsize < UNPACKED * psutil.virtual_memory().total
    ):
        base.dequantize()
    return tokenizer, base
