"""On which device and in which precision models compute."""

from __future__ import annotations

from rag.core.errors import ModelError

PRECISIONS = ("bfloat16", "float32", "nf4")


def choose_device(device: str = "auto", precision: str = "auto") -> tuple[str, str]:
    """Return the device and the precision to use.

    "auto" is CUDA where there is a device, and bfloat16 where the device computes in it, else float32. "nf4" stands
    for weights in 4-bit NormalFloat (QLoRA, arXiv 2305.14314), computing in bfloat16 where the device can. Raises
    ModelError for a device that is not there or an unknown precision.
    """
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("model.device is cuda, but torch sees no CUDA device here: --set model.device=cpu")
    if precision == "auto":
        precision = "bfloat16" if computes_bfloat16(device) else "float32"
    if precision not in PRECISIONS:
        raise ModelError(f"model.precision is auto, bfloat16, float32 or nf4, not {precision!r}")
    return device, precision


def computes_bfloat16(device: str) -> bool:
    """Tell whether the device multiplies in bfloat16. CPUs that imitate it have a quarter of their float32 speed."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    return device == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
