"""How each method of parameter-efficient fine-tuning is set up for a base: PEFT's configuration and the learning rate.

What each makes and where it may serve stands in the registry, `rag/models/adapter_methods.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from peft import (
    BeftConfig,
    IA3Config,
    LNTuningConfig,
    LoraConfig,
    PeftConfig,
    PrefixTuningConfig,
    PromptEncoderConfig,
    PromptTuningConfig,
    ShiraConfig,
)

from finetune.generator.adapter_fusion import fusion_config, load_parts
from finetune.generator.diff_pruning import DiffPruningConfig, keep_largest, penalize_open_masks
from finetune.generator.dylora import choose_rank, limit_ranks
from finetune.settings import SftSettings
from rag.core.errors import TrainingError
from rag.models.adapter_methods import METHODS as REGISTRY
from rag.models.adapter_methods import AdapterMethod
from rag.models.bottleneck import BottleneckConfig
from rag.models.qalora import support_linear_layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Trainer

VIRTUAL_TOKENS = 20  # of a soft prompt; more gained little in Lester et al., 2021, arXiv 2104.08691
REPARAMETERIZATION = 128  # hidden size of p-tuning's prompt encoder
ATTENTION_OUTPUT, FEED_FORWARD_OUTPUT = "o_proj", "down_proj"  # of Llama, Mistral, Qwen, Gemma, Phi
CAUSAL = {"task_type": "CAUSAL_LM"}

Make = Callable[[SftSettings, "PreTrainedModel"], PeftConfig]


@dataclass(frozen=True)
class PeftMethod:
    """A method of fine-tuning.

    make: returns PEFT's configuration for a base. learning_rate: the peak that suits it. facts: its line in the
    registry. prepare: what is done with a new trainer; finish: what is done between training and saving.
    """

    make: Make
    learning_rate: float
    facts: AdapterMethod
    prepare: Callable[[Trainer, SftSettings], None] | None = None
    finish: Callable[[Trainer], None] | None = None

    @property
    def at_question(self) -> bool:
        """Return whether it acts from the question on alone, so that the base encodes the passages, once."""
        return self.facts.at_question


def _lora(settings: SftSettings, base: PreTrainedModel, **options: Any) -> LoraConfig:
    # On all linear layers, as QLoRA found best (arXiv 2305.14314), with alpha twice the rank.
    rank = settings.rank
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", **CAUSAL, **options)


def _dora(settings: SftSettings, base: PreTrainedModel) -> LoraConfig:
    return _lora(settings, base, use_dora=True)


def _qalora(settings: SftSettings, base: PreTrainedModel) -> LoraConfig:
    if getattr(base, "quantization_method", None) not in (None, "bitsandbytes", "gptq"):
        raise TrainingError(
            "QA-LoRA works on plain, bitsandbytes and GPTQ layers; on this base PEFT would train plain LoRA: "
            "--set sft.method=lora"
        )
    config: LoraConfig = support_linear_layers(_lora(settings, base, use_qalora=True))
    return config


def _ia3(settings: SftSettings, base: PreTrainedModel) -> IA3Config:
    return IA3Config(**CAUSAL)


def _prompt_tuning(settings: SftSettings, base: PreTrainedModel) -> PromptTuningConfig:
    return PromptTuningConfig(num_virtual_tokens=VIRTUAL_TOKENS, **CAUSAL)


def _p_tuning(settings: SftSettings, base: PreTrainedModel) -> PromptEncoderConfig:
    return PromptEncoderConfig(num_virtual_tokens=VIRTUAL_TOKENS, encoder_hidden_size=REPARAMETERIZATION, **CAUSAL)


def _prefix_tuning(settings: SftSettings, base: PreTrainedModel) -> PrefixTuningConfig:
    return PrefixTuningConfig(num_virtual_tokens=VIRTUAL_TOKENS, **CAUSAL)


def _layer_norms(settings: SftSettings, base: PreTrainedModel) -> LNTuningConfig:
    norms = {name.rpartition(".")[2] for name, module in base.named_modules() if type(module).__name__.endswith("Norm")}
    if not norms:
        raise TrainingError("this base has no layer norms that are known as such: --set sft.method=lora")
    return LNTuningConfig(target_modules=sorted(norms), **CAUSAL)


def _bitfit(settings: SftSettings, base: PreTrainedModel) -> BeftConfig:
    # Where the base has no biases, BEFT adds them (arXiv 2509.15974); a bias added to one is that one trained.
    with_bias = {name.rpartition(".")[2] for name, layer in _linear_layers(base).items() if layer.bias is not None}
    return BeftConfig(target_modules=sorted(with_bias) or "all-linear", **CAUSAL)


def _shira(settings: SftSettings, base: PreTrainedModel) -> ShiraConfig:
    return ShiraConfig(r=_sparse_rank(settings, base), random_seed=0, target_modules="all-linear", **CAUSAL)


def _diff_pruning(settings: SftSettings, base: PreTrainedModel) -> DiffPruningConfig:
    return DiffPruningConfig(r=_sparse_rank(settings, base), target_modules="all-linear", task_type="CAUSAL_LM")


def _sparse_rank(settings: SftSettings, base: PreTrainedModel) -> int:
    # As many entries as LoRA of this rank has, but never more than half of a matrix.
    sizes = [(layer.in_features, layer.out_features) for layer in _linear_layers(base).values()]
    return min(settings.rank, *(inputs * outputs // (2 * (inputs + outputs)) for inputs, outputs in sizes))


def _houlsby(settings: SftSettings, base: PreTrainedModel) -> BottleneckConfig:
    return _bottleneck(base, settings.rank, ATTENTION_OUTPUT, FEED_FORWARD_OUTPUT)


def _pfeiffer(settings: SftSettings, base: PreTrainedModel) -> BottleneckConfig:
    return _bottleneck(base, settings.rank, FEED_FORWARD_OUTPUT)


def _bottleneck(base: PreTrainedModel, size: int, *names: str) -> BottleneckConfig:
    if missing := {*names} - {name.rpartition(".")[2] for name in _linear_layers(base)}:
        raise TrainingError(f"this base has no layers called {', '.join(missing)}: --set sft.method=lora")
    return BottleneckConfig(target_modules=[*names], size=size, task_type="CAUSAL_LM")


def _adapter_fusion(settings: SftSettings, base: PreTrainedModel) -> BottleneckConfig:
    return fusion_config(settings.parts)


def _linear_layers(base: PreTrainedModel) -> dict[str, torch.nn.Linear]:
    """Return the linear layers by name, those of bitsandbytes too, but for the output layer."""
    return {
        name: module
        for name, module in base.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not base.get_output_embeddings()
    }


# Each method's configuration and learning rate. LoRA's rate of 5e-4 is more than QLoRA's 2e-4: a 135M model on a few
# hundred rows takes only about a hundred steps. The fewer weights a method trains, the farther each has to go.
_SETUPS: dict[str, tuple[Make, float]] = {
    "alora": (_lora, 5e-4),  # on NF4 weights this and "lora" are QLoRA
    "lora": (_lora, 5e-4),
    "dylora": (_lora, 5e-4),
    "dora": (_dora, 5e-4),
    "qalora": (_qalora, 5e-4),
    "ia3": (_ia3, 1e-2),
    "prompt-tuning": (_prompt_tuning, 3e-2),
    "p-tuning": (_p_tuning, 3e-3),
    "prefix-tuning": (_prefix_tuning, 1e-2),
    "layer-norms": (_layer_norms, 1e-2),
    "bitfit": (_bitfit, 1e-2),
    "shira": (_shira, 2e-3),
    "diff-pruning": (_diff_pruning, 1e-3),
    "houlsby": (_houlsby, 2e-3),
    "pfeiffer": (_pfeiffer, 2e-3),
    "adapter-fusion": (_adapter_fusion, 1e-3),
}
_PREPARE: dict[str, Callable[[Trainer, SftSettings], None]] = {
    "adapter-fusion": lambda trainer, settings: load_parts(trainer.model, settings.parts),
    "dylora": limit_ranks,
    "diff-pruning": penalize_open_masks,
}
_FINISH = {"dylora": choose_rank, "diff-pruning": keep_largest}
METHODS = {
    name: PeftMethod(*_SETUPS[name], facts, _PREPARE.get(name), _FINISH.get(name)) for name, facts in REGISTRY.items()
}


def find_method(name: str) -> PeftMethod:
    """Return the method of that name. Raises TrainingError where there is none."""
    if name not in METHODS:
        raise TrainingError(f"no method of training is called {name!r}: --set sft.method={'|'.join(METHODS)}")
    return METHODS[name]
