"""What training changed in an encoder that others have trained: of each matrix a product of two thin ones, so that a few MB travel in place of a model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from rag.core.errors import ModelError
from rag.models.resolve import LocalModel

DELTA_FILE, IDENTITY_FILE = "changes.safetensors", "identity.json"


def read_delta_identity(delta: Path) -> dict[str, Any]:
    """-> what the changes were trained on, and how. Raises ModelError when there is none to read."""
    try:
        return json.loads((delta / IDENTITY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{delta} holds no changes of ours ({error}): rag adapters --rollback, or make train"
        ) from error


def delta_name(delta: Path) -> str:
    """-> what tells these weights from others: a digest of 8 hexadecimal digits."""
    return hashlib.sha256((delta / DELTA_FILE).read_bytes()).hexdigest()[:8]


def check_delta(delta: Path, model: LocalModel) -> dict[str, Any]:
    """-> identity_of. Raises ModelError when they belong to another model."""
    identity = read_delta_identity(delta)
    if identity["base"] != model.digest:
        raise ModelError(
            f"{delta} was trained on {identity['base'][:12]}, not {model.digest[:12]}: make train, or python -m finetune reranker FOLDERS"
        )
    return identity


def apply_delta(model: Any, delta: Path) -> None:
    """Add to each matrix the product of its two thin ones; what is small enough is stored whole."""
    import torch
    from safetensors.torch import load_file

    stored = load_file(delta / DELTA_FILE)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in stored:
                parameter.copy_(stored[name])
            elif f"{name}:up" in stored:
                parameter += (stored[f"{name}:up"].float() @ stored[f"{name}:down"].float()).to(parameter.dtype)


def save_delta(trained: Any, base: LocalModel, out: Path, rank: int) -> None:
    """Keep what training changed: of each matrix the best approximation of that rank (singular values; Eckart & Young 1936), the rest whole."""
    import torch
    from safetensors.torch import load_file, save_file

    before, stored = load_file(base.path / "model.safetensors"), {}
    for name, parameter in trained.named_parameters():
        old = before.get(name.removeprefix("bert."))
        if old is None or parameter.dim() < 2:
            stored[name] = parameter.detach().float().contiguous()
        elif not torch.equal(old.float(), parameter.detach().float()):
            u, s, v = torch.linalg.svd(parameter.detach().float() - old.float(), full_matrices=False)
            stored[f"{name}:up"] = (u[:, :rank] * s[:rank].sqrt()).bfloat16().contiguous()
            stored[f"{name}:down"] = (s[:rank].sqrt()[:, None] * v[:rank]).bfloat16().contiguous()
    out.mkdir(parents=True, exist_ok=True)
    save_file(stored, out / DELTA_FILE)
