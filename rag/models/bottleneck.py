"""Bottleneck adapters (Houlsby et al., 2019, arXiv 1902.00751) and AdapterFusion (Pfeiffer et al., 2020, 2005.00247).

They are a method of PEFT's, under a type of ours: saved, loaded and switched as the others are. PEFT 0.21 has none, and
the library `adapters` needs an older transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import nn

TYPE = "BOTTLENECK"  # in adapter_config.json
START = 1e-2  # standard deviation of new weights (Houlsby et al.)


@dataclass
class BottleneckConfig(PeftConfig):
    """What is put behind which layers.

    target_modules: last names of linear layers, each of whose outputs, before the residual sum, gets a bottleneck.
    size: its width. parts: of how many bottlenecks AdapterFusion chooses at each place; 0 for one that is trained
    itself.
    """

    target_modules: list[str] | set[str] | None = None
    size: int = 32
    parts: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = TYPE


class Bottleneck(nn.Module):
    """What is added to a layer's outputs: down to a few features, a GELU, and up again."""

    def __init__(self, features: int, size: int):
        super().__init__()
        self.down, self.up = nn.Linear(features, size), nn.Linear(size, features)
        nn.init.normal_(self.down.weight, std=START)
        for start in (self.down.bias, self.up.weight, self.up.bias):  # so that the model starts as the base
            nn.init.zeros_(start)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        changed: torch.Tensor = self.up(nn.functional.gelu(self.down(x)))
        return changed


class Fusion(nn.Module):
    """AdapterFusion: at each token, attention chooses among what the frozen bottlenecks would add.

    Queries are the layer's outputs, keys and values the bottlenecks'. The values' matrix starts as the identity.
    """

    def __init__(self, features: int, size: int, parts: int):
        super().__init__()
        self.parts = nn.ModuleList(Bottleneck(features, size) for _ in range(parts))
        self.query, self.key, self.value = (nn.Linear(features, features, bias=False) for _ in range(3))
        nn.init.normal_(self.query.weight, std=START)
        nn.init.normal_(self.key.weight, std=START)
        nn.init.eye_(self.value.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added = torch.stack([part(x) for part in self.parts], -2)  # (rows, tokens, parts, features)
        share = (self.key(x[..., None, :] + added) @ self.query(x)[..., None]).softmax(-2)
        return (share * self.value(added)).sum(-2)


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """A linear layer with bottlenecks behind it, by adapter name."""

    adapter_layer_names = ("bottleneck_adapters",)
    active_adapters: list[str]  # these three are PEFT's, which tells no types
    get_base_layer: Callable[[], nn.Linear]
    _move_adapter_to_device_of_base_layer: Callable[[str], None]

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: BottleneckConfig):
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_adapters = nn.ModuleDict()
        self.by_row: list[str] | None = None  # the adapter of each row of a mixed batch
        self._active_adapter = adapter_name
        self.update_layer(adapter_name, config)

    def update_layer(self, adapter_name: str, config: BottleneckConfig, **options: Any) -> None:
        """Add a new adapter."""
        features = self.get_base_layer().out_features
        made = Fusion(features, config.size, config.parts) if config.parts else Bottleneck(features, config.size)
        self.bottleneck_adapters[adapter_name] = made
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def set_adapter(self, adapter_names: str | list[str], inference_mode: bool = False) -> None:
        """Let these adapters act, and be trained but for what a fusion chooses from."""
        super().set_adapter(adapter_names, inference_mode)
        for adapter in self.bottleneck_adapters.values():
            if isinstance(adapter, Fusion):
                adapter.parts.requires_grad_(False)

    def forward(self, x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        """Return the layer's outputs, changed by the active adapter, or by that of each row."""
        result: torch.Tensor = self.base_layer(x, *args, **options)
        if self.disable_adapters:
            return result
        if self.by_row is not None:
            rows = [self._changed(row[None], [name]) for row, name in zip(result, self.by_row, strict=True)]
            return torch.cat(rows)
        return self._changed(result, [*self.active_adapters])

    def _changed(self, result: torch.Tensor, names: Iterable[str]) -> torch.Tensor:
        for name in names:
            if name in self.bottleneck_adapters:
                adapter = self.bottleneck_adapters[name]
                x = result if torch.is_autocast_enabled(result.device.type) else result.float()
                result = result + adapter(x).to(result.dtype)
        return result


class BottleneckModel(BaseTuner):
    """A base with bottleneck adapters."""

    prefix: str = "bottleneck_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    @classmethod
    def _remove_adapter_name_from_key(cls, key: str, adapter_name: str) -> str:
        # PEFT looks for the name before a tensor's last name alone, and these modules are deeper.
        return key.replace(f".bottleneck_adapters.{adapter_name}.", ".bottleneck_adapters.")

    def _create_and_replace(
        self,
        peft_config: PeftConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        if isinstance(target, BottleneckLayer):
            target.update_layer(adapter_name, peft_config)
            return
        layer = BottleneckLayer(target, adapter_name, peft_config)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)
        self._replace_module(parent, target_name, layer, target)

    @contextmanager
    def _enable_peft_forward_hooks(
        self, *args: Any, adapter_names: list[str] | None = None, **options: Any
    ) -> Iterator[None]:
        """Give each row of a batch its own adapter inside the context, as PEFT's LoRA does."""
        layers = [module for module in self.modules() if isinstance(module, BottleneckLayer)]
        for layer in layers:
            layer.by_row = adapter_names
        try:
            yield
        finally:
            for layer in layers:
                layer.by_row = None


PEFT_TYPE_TO_CONFIG_MAPPING[TYPE] = BottleneckConfig
PEFT_TYPE_TO_TUNER_MAPPING[TYPE] = BottleneckModel
PEFT_TYPE_TO_PREFIX_MAPPING[TYPE] = BottleneckModel.prefix
