"""AdapterFusion (Pfeiffer et al., 2020, arXiv 2005.00247): a fusion is set up from adapters trained before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from peft import PeftConfig, PeftModel
from safetensors.torch import load_file

from rag.core.errors import TrainingError
from rag.models.adapters import serving_config
from rag.models.bottleneck import BottleneckConfig, BottleneckLayer, Fusion

LEAST = 2  # adapters: among fewer there is nothing to choose


def fusion_config(folders: Sequence[Path]) -> BottleneckConfig:
    """Return the configuration of a fusion of these adapters.

    Raises TrainingError where they are fewer than two, or not bottleneck adapters of one kind and size.
    """
    if len(folders) < LEAST:
        raise TrainingError("AdapterFusion joins two or more bottleneck adapters: --set sft.fuse=FOLDER,FOLDER")
    first, *others = [_bottleneck_config(folder) for folder in folders]
    targets = sorted(first.target_modules or ())
    for folder, other in zip(folders[1:], others, strict=True):
        if (other.size, sorted(other.target_modules or ())) != (first.size, targets):
            raise TrainingError(f"{folder} and {folders[0]} have other bottlenecks: train both alike")
    return BottleneckConfig(target_modules=targets, size=first.size, parts=len(folders), task_type="CAUSAL_LM")


def _bottleneck_config(folder: Path) -> BottleneckConfig:
    try:
        config: PeftConfig = serving_config(folder)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} is no adapter ({error}): train one with --set sft.method=pfeiffer") from error
    if not isinstance(config, BottleneckConfig) or config.parts:
        raise TrainingError(f"{folder} is no bottleneck adapter: train one with --set sft.method=pfeiffer")
    return config


def load_parts(tuned: PeftModel, folders: Sequence[Path]) -> None:
    """Give a new fusion the bottlenecks of the adapters, which stay as they are in training."""
    weights = [load_file(folder / "adapter_model.safetensors") for folder in folders]
    for name, layer in tuned.named_modules():
        if isinstance(layer, BottleneckLayer):
            fusion = layer.bottleneck_adapters["default"]
            assert isinstance(fusion, Fusion)
            for part, tensors in zip(fusion.parts, weights, strict=True):
                _load_part(part, tensors, f"{name}.bottleneck_adapters.")


def _load_part(part: torch.nn.Module, tensors: dict[str, torch.Tensor], prefix: str) -> None:
    part.load_state_dict({key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)})
