"""Preference and reward training beside DPO, through TRL, of adapters that act on the whole sequence.

kto: Kahneman-Tversky optimization (Ethayarajh et al., 2024, arXiv 2402.01306). orpo: odds ratios, without a reference
(Hong et al., 2024, arXiv 2403.07691). grpo: group-relative policy optimization (Shao et al., 2024, arXiv 2402.03300).
rloo: REINFORCE leave-one-out (Ahmadian et al., 2024, arXiv 2402.14740).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from transformers import Trainer

from finetune.data.rows import PreferencePair
from finetune.generator.answer_reward import reward_function
from finetune.generator.base_model import TrainableModel
from finetune.generator.chats import preference_chats
from finetune.generator.trainer_setup import PAIRS_AT_ONCE, common_arguments
from finetune.settings import DpoSettings

if TYPE_CHECKING:
    from peft import PeftModel

GENERATIONS = 8  # outputs for a prompt, whose rewards are compared
MAX_NEW_TOKENS = 48  # of such an output
KL = 0.05  # weight of the distance to the start where rewards are learned from, TRL's for RLOO


def kto_trainer(
    folder: Path,
    base: TrainableModel,
    tuned: PeftModel,
    train: Sequence[PreferencePair],
    dev: Sequence[PreferencePair],
    settings: DpoSettings,
) -> Trainer:
    """Return TRL's KTOTrainer: each output of a pair counts by itself, as good or as bad."""
    from trl import KTOConfig, KTOTrainer

    arguments = KTOConfig(**_arguments(folder, base, train, settings), beta=settings.beta, max_length=None)
    return KTOTrainer(tuned, args=arguments, processing_class=base.tokenizer, **_pairs(base, train, dev))


def orpo_trainer(
    folder: Path,
    base: TrainableModel,
    tuned: PeftModel,
    train: Sequence[PreferencePair],
    dev: Sequence[PreferencePair],
    settings: DpoSettings,
) -> Trainer:
    """Return TRL's ORPOTrainer: likelihood of the chosen output, and its odds against the rejected one."""
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    arguments = ORPOConfig(**_arguments(folder, base, train, settings), beta=settings.beta, max_length=None)
    return ORPOTrainer(tuned, args=arguments, processing_class=base.tokenizer, **_pairs(base, train, dev))


def grpo_trainer(
    folder: Path,
    base: TrainableModel,
    tuned: PeftModel,
    train: Sequence[PreferencePair],
    dev: Sequence[PreferencePair],
    settings: DpoSettings,
) -> Trainer:
    """Return TRL's GRPOTrainer on the pairs' rows, rewarded by `answer_reward`; the pairs' outputs are not used.

    Its log has frac_reward_zero_std, the share of rows whose outputs all earn alike: they teach nothing.
    """
    from trl import GRPOConfig, GRPOTrainer

    arguments = GRPOConfig(**_online_arguments(folder, base, train, settings))
    rewards = reward_function([pair.row for pair in train])
    return GRPOTrainer(tuned, rewards, arguments, _prompts(base, train), processing_class=base.tokenizer)


def rloo_trainer(
    folder: Path,
    base: TrainableModel,
    tuned: PeftModel,
    train: Sequence[PreferencePair],
    dev: Sequence[PreferencePair],
    settings: DpoSettings,
) -> Trainer:
    """Return TRL's RLOOTrainer on the pairs' rows, rewarded by `answer_reward`; the pairs' outputs are not used."""
    from trl import RLOOConfig, RLOOTrainer

    arguments = RLOOConfig(**_online_arguments(folder, base, train, settings), beta=KL)
    rewards = reward_function([pair.row for pair in train])
    return RLOOTrainer(tuned, rewards, arguments, _prompts(base, train), processing_class=base.tokenizer)


MakeTrainer = Callable[
    [Path, TrainableModel, "PeftModel", Sequence[PreferencePair], Sequence[PreferencePair], DpoSettings], Trainer
]
# By the setting preference.method; "dpo" is in `dpo`.
BESIDE_DPO: dict[str, MakeTrainer] = {
    "kto": kto_trainer,
    "orpo": orpo_trainer,
    "grpo": grpo_trainer,
    "rloo": rloo_trainer,
}


def _arguments(
    folder: Path, base: TrainableModel, train: Sequence[PreferencePair], settings: DpoSettings
) -> dict[str, Any]:
    return common_arguments(
        folder, base, settings.learning_rate, settings.epochs, len(train), settings.batch, PAIRS_AT_ONCE
    )


def _online_arguments(
    folder: Path, base: TrainableModel, train: Sequence[PreferencePair], settings: DpoSettings
) -> dict[str, Any]:
    """Return arguments of trainers that sample: a step is `batch` rows with GENERATIONS outputs each.

    There is nothing to choose a checkpoint by: the loss of such trainers does not tell better answers from worse.
    """
    offline = {"eval_strategy": "no", "load_best_model_at_end": False, "save_strategy": "no"}
    sampling = {
        "per_device_train_batch_size": GENERATIONS,
        "gradient_accumulation_steps": settings.batch,
        "num_generations": GENERATIONS,
        "max_completion_length": MAX_NEW_TOKENS,
        "logging_steps": 1,
    }
    return {**_arguments(folder, base, train, settings), **offline, **sampling}


def _pairs(base: TrainableModel, train: Sequence[PreferencePair], dev: Sequence[PreferencePair]) -> dict[str, Dataset]:
    parts = {"train_dataset": train, "eval_dataset": dev}
    return {
        name: Dataset.from_list([chat.as_trl for chat in preference_chats(base.tokenizer, pairs)])
        for name, pairs in parts.items()
    }


def _prompts(base: TrainableModel, pairs: Sequence[PreferencePair]) -> Dataset:
    chats = preference_chats(base.tokenizer, pairs)
    return Dataset.from_list([{"prompt": chat.prompt, "row": n} for n, chat in enumerate(chats)])
