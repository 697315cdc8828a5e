"""Methods of parameter-efficient fine-tuning, each by PEFT: what is trained, how fast, and where it acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from peft import IA3Config, LoraConfig, PeftConfig, PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig

from rag.core.errors import TrainingError
from rag.models.qalora import support_linear_layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VIRTUAL_TOKENS = 20  # of a soft prompt; more gained little in Lester et al., 2021, arXiv 2104.08691
REPARAMETERIZATION = 128  # hidden size of p-tuning's prompt encoder
CAUSAL = {"task_type": "CAUSAL_LM"}


@dataclass(frozen=True)
class PeftMethod:
    """A method of fine-tuning.

    make: returns PEFT's configuration for a rank, which methods without low-rank matrices ignore. learning_rate: the
    peak that suits it. mergeable: whether the adapter can be merged into the base's weights. at_question: whether it
    acts from the question on alone, so that the base encodes the passages, once.
    """

    make: Callable[[int], PeftConfig]
    learning_rate: float
    mergeable: bool = False
    at_question: bool = False


def _lora(rank: int, **options: Any) -> LoraConfig:
    # On all linear layers, as QLoRA found best (arXiv 2305.14314), with alpha twice the rank.
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", **CAUSAL, **options)


def _dora(rank: int) -> LoraConfig:
    return _lora(rank, use_dora=True)


def _qalora(rank: int) -> LoraConfig:
    config: LoraConfig = support_linear_layers(_lora(rank, use_qalora=True))
    return config


def _ia3(rank: int) -> IA3Config:
    return IA3Config(**CAUSAL)


def _prompt_tuning(rank: int) -> PromptTuningConfig:
    return PromptTuningConfig(num_virtual_tokens=VIRTUAL_TOKENS, **CAUSAL)


def _p_tuning(rank: int) -> PromptEncoderConfig:
    return PromptEncoderConfig(num_virtual_tokens=VIRTUAL_TOKENS, encoder_hidden_size=REPARAMETERIZATION, **CAUSAL)


def _prefix_tuning(rank: int) -> PrefixTuningConfig:
    return PrefixTuningConfig(num_virtual_tokens=VIRTUAL_TOKENS, **CAUSAL)


# LoRA's rate of 5e-4 is more than QLoRA's 2e-4: a 135M model on a few hundred rows takes only about a hundred steps.
# IA3's is larger still: it trains a few scales, which start at one and have far to go.
METHODS: dict[str, PeftMethod] = {
    "alora": PeftMethod(_lora, 5e-4, at_question=True),  # activated LoRA: Greenewald et al., 2025, arXiv 2504.12397
    "lora": PeftMethod(_lora, 5e-4, mergeable=True),  # Hu et al., 2021, arXiv 2106.09685; on NF4 it is QLoRA
    "dora": PeftMethod(_dora, 5e-4, mergeable=True),  # Liu et al., 2024, arXiv 2402.09353
    "qalora": PeftMethod(_qalora, 5e-4, mergeable=True),  # Xu et al., 2023, arXiv 2309.14717
    "ia3": PeftMethod(_ia3, 1e-2, mergeable=True),  # Liu et al., 2022, arXiv 2205.05638
    "prompt-tuning": PeftMethod(_prompt_tuning, 3e-2),  # Lester et al., 2021, arXiv 2104.08691
    "p-tuning": PeftMethod(_p_tuning, 3e-3),  # Liu et al., 2021, arXiv 2103.10385
    "prefix-tuning": PeftMethod(_prefix_tuning, 1e-2),  # Li and Liang, 2021, arXiv 2101.00190
}


def find_method(name: str, base: PreTrainedModel | None = None) -> PeftMethod:
    """Return the method of that name.

    Raises TrainingError where there is none, or where PEFT would train another method on `base`.
    """
    if name not in METHODS:
        raise TrainingError(f"no method of training is called {name!r}: --set sft.method={'|'.join(METHODS)}")
    if name == "qalora" and getattr(base, "quantization_method", None) not in (None, "bitsandbytes", "gptq"):
        raise TrainingError(
            "QA-LoRA works on plain, bitsandbytes and GPTQ layers; on this base PEFT would train plain LoRA: "
            "--set sft.method=lora"
        )
    return METHODS[name]
