"""Weight deltas: what training changed in an encoder, as a low-rank product for each matrix.

A few MB are stored in place of a whole model.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.core.errors import ModelError
from rag.core.jsonl import file_digest, json_object
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

DELTA_FILE, IDENTITY_FILE = "changes.safetensors", "identity.json"


def read_delta_identity(delta: Path) -> dict[str, Any]:
    """Return what the weight delta was trained on, and how. Raises ModelError when it can't be read."""
    try:
        identity = json_object((delta / IDENTITY_FILE).read_text(encoding="utf-8"))
        if not isinstance(identity.get("base"), str):
            raise ValueError(f"{IDENTITY_FILE} names no base model")
    except (OSError, ValueError) as error:
        remedy = "rag adapters --rollback, or make train"
        raise ModelError(f"{delta} holds no weight delta of ours ({error}): {remedy}") from error
    return identity


def delta_name(delta: Path) -> str:
    """Return 8 hexadecimal digits of the weights' SHA-256, which tell this weight delta from others."""
    return hashlib.sha256((delta / DELTA_FILE).read_bytes()).hexdigest()[:8]


def check_delta(delta: Path, model: LocalModel) -> dict[str, Any]:
    """Return the weight delta's identity. Raises ModelError when it is damaged, or was trained on another model."""
    identity = read_delta_identity(delta)
    if identity["base"] != model.digest:
        difference = f"{delta} was trained on {identity['base'][:12]}, not {model.digest[:12]}"
        raise ModelError(f"{difference}: make train, or python -m finetune cross-encoder FOLDERS")
    if (named := identity.get("weights")) and file_digest(delta / DELTA_FILE) != named:
        raise ModelError(f"{delta / DELTA_FILE} is damaged, it is not what training wrote: rag adapters --rollback")
    return identity


def apply_delta(model: torch.nn.Module, delta: Path) -> None:
    """Add the weight delta to the model's weights. Parameters that are stored whole are replaced."""
    import torch
    from safetensors.torch import load_file

    stored = load_file(delta / DELTA_FILE)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in stored:
                parameter.copy_(stored[name])
            elif f"{name}:up" in stored:
                product = stored[f"{name}:up"].float() @ stored[f"{name}:down"].float()
                parameter.add_(product.to(parameter.dtype))


def save_delta(trained: PreTrainedModel, base: LocalModel, out: Path, rank: int) -> None:
    """Write what training changed in `base` to the folder `out`.

    Of each changed matrix that is the best approximation of the given rank, by its largest singular values (Eckart &
    Young 1936). Vectors and what the base does not have are stored whole.
    """
    import torch
    from safetensors.torch import load_file, save_file

    before, stored = load_file(base.path / "model.safetensors"), {}
    for name, parameter in trained.named_parameters():
        old = before.get(name.removeprefix(f"{trained.base_model_prefix}."))
        if old is None or parameter.dim() < 2:
            stored[name] = parameter.detach().float().contiguous()
        elif not torch.equal(old.float(), parameter.detach().float()):
            u, s, v = torch.linalg.svd(parameter.detach().float() - old.float(), full_matrices=False)
            stored[f"{name}:up"] = (u[:, :rank] * s[:rank].sqrt()).bfloat16().contiguous()
            stored[f"{name}:down"] = (s[:rank].sqrt()[:, None] * v[:rank]).bfloat16().contiguous()
    out.mkdir(parents=True, exist_ok=True)
    save_file(stored, out / DELTA_FILE)
