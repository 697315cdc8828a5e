"""Diff pruning (Guo et al., 2021, arXiv 2012.07463): a change of every weight is learned, and a mask that thins it out.

The mask is a hard concrete distribution (Louizos et al., 2018, arXiv 1712.01312) whose expected number of entries is
part of the loss. At the end the largest changes are kept, as many as SHiRA of that rank has, and written as SHiRA's:
the same file, with entries that were learned in place of random ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from peft import PeftConfig, PeftModel, ShiraConfig, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.shira import ShiraLayer
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import nn
from transformers import Trainer

from finetune.settings import SftSettings

TYPE = "DIFF_PRUNING"
REACH = 1.5  # the mask's values before they are cut to 0 and 1 lie between -REACH + 1 and REACH
START = 3.0  # log-odds of the mask's entries at first: nearly all are open
PENALTY = 0.1  # of the loss, for the share of entries that are open


@dataclass
class DiffPruningConfig(PeftConfig):
    """target_modules: linear layers. r: of the SHiRA adapter that is made of the result."""

    target_modules: list[str] | set[str] | str | None = None
    r: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = TYPE


class MaskedDelta(nn.Module):
    """A change of a weight matrix, (outputs, inputs), and the log-odds that each entry is open."""

    def __init__(self, outputs: int, inputs: int, rank: int):
        super().__init__()
        self.change = nn.Parameter(torch.zeros(outputs, inputs))
        self.log_odds = nn.Parameter(torch.full((outputs, inputs), START))
        self.kept = rank * (outputs + inputs)

    def forward(self) -> torch.Tensor:
        """Return the change: with a random mask in training, else with the entries that are kept."""
        if not self.training:
            return self.pruned()
        noise = torch.rand_like(self.log_odds).clamp(1e-6, 1 - 1e-6).logit()
        return self.change * _stretched(self.log_odds + noise)

    def pruned(self) -> torch.Tensor:
        """Return the expected change, but for all entries that are not among the largest, which are 0."""
        change = self.change * _stretched(self.log_odds)
        return change * self.mask(change)

    def mask(self, change: torch.Tensor) -> torch.Tensor:
        """Return 1 for the largest entries, else 0."""
        largest = change.abs().flatten().topk(self.kept).indices
        return torch.zeros_like(change).flatten().index_fill(0, largest, 1.0).view_as(change)

    def open_share(self) -> torch.Tensor:
        """Return the expected share of entries that are not 0."""
        return (self.log_odds - torch.log(torch.tensor((REACH - 1) / REACH))).sigmoid().mean()


def _stretched(log_odds: torch.Tensor) -> torch.Tensor:
    return (log_odds.sigmoid() * (2 * REACH - 1) - (REACH - 1)).clamp(0, 1)


class DiffPruningLayer(nn.Module, BaseTunerLayer):
    """A linear layer with a change of its weights."""

    adapter_layer_names = ("diff_pruning_deltas",)
    active_adapters: list[str]  # these three are PEFT's, which tells no types
    get_base_layer: Callable[[], nn.Linear]
    set_adapter: Callable[..., None]
    diff_pruning_deltas: Any  # torch tells no types of what is in a ModuleDict

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: DiffPruningConfig):
        super().__init__()
        self.base_layer = base_layer
        self.diff_pruning_deltas = nn.ModuleDict()
        self._active_adapter = adapter_name
        layer = self.get_base_layer()
        delta = MaskedDelta(layer.out_features, layer.in_features, config.r)
        self.diff_pruning_deltas[adapter_name] = delta.to(layer.weight.device)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def forward(self, x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        result: torch.Tensor = self.base_layer(x, *args, **options)
        if self.disable_adapters:
            return result
        for name in self.active_adapters:
            delta = self.diff_pruning_deltas[name]()
            result = result + nn.functional.linear(x.to(delta.dtype), delta).to(result.dtype)
        return result


class DiffPruningModel(BaseTuner):
    """A base in diff pruning, with one adapter."""

    prefix: str = "diff_pruning_"
    tuner_layer_cls = DiffPruningLayer
    target_module_mapping: ClassVar[dict[str, list[str]]] = {}

    @classmethod
    def _remove_adapter_name_from_key(cls, key: str, adapter_name: str) -> str:
        return key.replace(f".diff_pruning_deltas.{adapter_name}.", ".diff_pruning_deltas.")

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
        self._replace_module(parent, target_name, DiffPruningLayer(target, adapter_name, peft_config), target)


PEFT_TYPE_TO_CONFIG_MAPPING[TYPE] = DiffPruningConfig
PEFT_TYPE_TO_TUNER_MAPPING[TYPE] = DiffPruningModel
PEFT_TYPE_TO_PREFIX_MAPPING[TYPE] = DiffPruningModel.prefix


def penalize_open_masks(trainer: Trainer, settings: SftSettings) -> None:
    """Have the loss grow with the share of open entries."""
    deltas = [module for module in trainer.model.modules() if isinstance(module, MaskedDelta)]
    steps = trainer.args.gradient_accumulation_steps

    def add(model: nn.Module, inputs: Any, output: Any) -> None:
        if model.training and output.loss is not None:
            output.loss = output.loss + PENALTY * torch.stack([delta.open_share() for delta in deltas]).mean() / steps

    trainer.model.register_forward_hook(add)


def keep_largest(trainer: Trainer) -> None:
    """Put the largest changes into a SHiRA adapter in place of what was trained."""
    trainer.model = trainer.model_wrapped = as_shira(trainer.model)


@torch.no_grad()
def as_shira(tuned: PeftModel) -> PeftModel:
    """Return the base with a SHiRA adapter that changes what the pruned one does."""
    config = tuned.peft_config["default"]
    deltas: dict[int, Any] = {
        id(layer.get_base_layer()): layer.diff_pruning_deltas["default"]
        for layer in tuned.modules()
        if isinstance(layer, DiffPruningLayer)
    }
    pruned = {key: delta.pruned() for key, delta in deltas.items()}
    masks = {key: delta.mask(pruned[key]) for key, delta in deltas.items()}
    sparse = ShiraConfig(r=config.r, target_modules=config.target_modules, task_type=config.task_type)
    sparse.mask_fn = lambda layer, r, **options: masks[id(layer)]
    shira: PeftModel = get_peft_model(tuned.unload(), sparse)
    for layer in shira.modules():
        if isinstance(layer, ShiraLayer):
            rows, columns = layer.shira_indices["default"].long()
            layer.shira_weight["default"].copy_(pruned[id(layer.get_base_layer())][rows, columns])
    return shira
