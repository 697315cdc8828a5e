"""A run's rows and preference pairs, and the settings that it trains with, for other trainers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finetune.data.rows import read_pairs
from finetune.data.split import DEV, TRAIN
from finetune.data.training_set import REVIEWED, training_rows
from finetune.export.trainers import Part, Recipe
from finetune.generator.chats import longest_chat, preference_chats, sft_chats
from finetune.settings import DpoSettings, SftSettings
from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROUND = 256  # the longest chat is rounded up to a multiple of this many tokens
PARTS = {"train": TRAIN, "validation": DEV}


def recipe_of_run(
    run: str, model: LocalModel, tokenizer: PreTrainedTokenizerBase, sft: SftSettings, dpo: DpoSettings
) -> Recipe:
    """Return the run's reviewed rows, with general instructions among them as in our own training, and its pairs.

    Raises TrainingError where the run has no rows.
    """
    Stage(run, "mine").result()
    rows = {name: training_rows(run, part, REVIEWED if part == TRAIN else 1) for name, part in PARTS.items()}
    if not rows["train"]:
        raise TrainingError(f"run {run} has no rows to train on: mine or import more")
    shares = {"train": sft.general, "validation": 0.0}
    chats = {name: sft_chats(tokenizer, rows[name], shares[name]) for name in PARTS}
    pairs = _pairs(run, tokenizer)
    everything = [chat for part in (*chats.values(), *pairs.values()) for chat in part]
    longest = -(-longest_chat(tokenizer, everything) // ROUND) * ROUND
    return Recipe(str(model.path.resolve()), longest, chats, pairs, sft, dpo)


def _pairs(run: str, tokenizer: PreTrainedTokenizerBase) -> Part:
    """Return the run's preference pairs, {} where it has made none."""
    files = {name: Stage(run, "dpo").folder / f"{part}.jsonl" for name, part in PARTS.items()}
    if not all(file.exists() for file in files.values()):
        return {}
    return {name: preference_chats(tokenizer, read_pairs(file)) for name, file in files.items()}
