"""The ways of fine-tuning, each by PEFT: what is trained, how fast, and whether passages can be read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peft import IA3Config, LoraConfig, PeftConfig, PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig

from rag.core.errors import TrainingError
from rag.models.qalora import on_linear

VIRTUAL = 20  # virtual tokens of a soft prompt: more than that gained little in Lester et al., arXiv 2104.08691
CAUSAL = {"task_type": "CAUSAL_LM"}


@dataclass(frozen=True)
class Method:
    """make: rank -> PEFT configuration. learning_rate: the peak that suits it. mergeable: whether the base's weights can take it up.
    at_question: whether the adapter acts from the question on alone, so that the base reads the passages, once."""

    make: Callable[[int], PeftConfig]
    learning_rate: float
    mergeable: bool = True
    at_question: bool = False


def _lora(rank: int, **options: Any) -> LoraConfig:
    """On all linear layers (QLoRA's finding, arXiv 2305.14314), alpha twice the rank."""
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", **CAUSAL, **options)


METHODS = {
    # LoRA's 5e-4 is more than QLoRA's 2e-4: a 135M model on a few hundred rows takes only about a hundred steps.
    "alora": Method(_lora, 5e-4, mergeable=False, at_question=True),  # arXiv 2504.12397
    "lora": Method(_lora, 5e-4),  # arXiv 2106.09685; on NF4 it is QLoRA
    "dora": Method(lambda rank: _lora(rank, use_dora=True), 5e-4),  # arXiv 2402.09353
    "qalora": Method(lambda rank: on_linear(_lora(rank, use_qalora=True)), 5e-4),  # arXiv 2309.14717
    "ia3": Method(
        lambda rank: IA3Config(**CAUSAL), 1e-2
    ),  # arXiv 2205.05638: a few scales, which start at one and have far to go
    "prompt-tuning": Method(
        lambda rank: PromptTuningConfig(num_virtual_tokens=VIRTUAL, **CAUSAL), 3e-2, mergeable=False
    ),  # arXiv 2104.08691
    "p-tuning": Method(  # arXiv 2103.10385
        lambda rank: PromptEncoderConfig(num_virtual_tokens=VIRTUAL, encoder_hidden_size=128, **CAUSAL),
        3e-3,
        mergeable=False,
    ),
    "prefix-tuning": Method(
        lambda rank: PrefixTuningConfig(num_virtual_tokens=VIRTUAL, **CAUSAL), 1e-2, mergeable=False
    ),  # arXiv 2101.00190
}


def find_method(name: str, base: Any = None) -> Method:
    """-> the method of that name. Raises TrainingError where there is none, or where PEFT would train another on this base."""
    if name not in METHODS:
        raise TrainingError(f"no method of training is called {name!r}: --set sft.method={'|'.join(METHODS)}")
    if name == "qalora" and getattr(base, "quantization_method", None) not in (None, "bitsandbytes", "gptq"):
        raise TrainingError(
            "QA-LoRA is for plain, bitsandbytes and GPTQ layers, and PEFT would train plain LoRA on this base: --set sft.method=lora"
        )
    return METHODS[name]
