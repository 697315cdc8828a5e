"""Training rows as chats, in the two shapes that other trainers read, with the words that our own prompt has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetune.data.general_instructions import general_instructions
from finetune.data.rows import PreferencePair, TrainingRow
from rag.generation import prompt
from rag.generation.control_tokens import control_pattern, escape_control_tokens, escape_passage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

Message = dict[str, str]  # role and content


@dataclass(frozen=True)
class Chat:
    """A prompt and what the model should write after it; in a preference pair, also what it should not write."""

    prompt: list[Message]
    chosen: str
    rejected: str | None = None

    @property
    def as_messages(self) -> dict[str, Any]:
        """Return the shape of Axolotl, LLaMA-Factory and Unsloth: one list of messages.

        Of a pair, the list ends before the two answers, which stand beside it.
        """
        if self.rejected is None:
            return {"messages": [*self.prompt, _said(self.chosen)]}
        return {"messages": self.prompt, "chosen": _said(self.chosen), "rejected": _said(self.rejected)}

    @property
    def as_trl(self) -> dict[str, Any]:
        """Return TRL's shape: prompt and completion, or prompt, chosen and rejected, each a list of messages."""
        if self.rejected is None:
            return {"prompt": self.prompt, "completion": [_said(self.chosen)]}
        return {"prompt": self.prompt, "chosen": [_said(self.chosen)], "rejected": [_said(self.rejected)]}


def _said(text: str) -> Message:
    return {"role": "assistant", "content": text}


def sft_chats(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[TrainingRow], general_share: float = 0.0
) -> list[Chat]:
    """Return the chat of each row, then general instructions. general_share: the instructions' share of all."""
    chats = [Chat(_prompt(tokenizer, row), row.target) for row in rows]
    return chats + [
        Chat([{"role": "user", "content": example["instruction"]}], example["answer"])
        for example in general_instructions(len(rows), general_share)
    ]


def preference_chats(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[PreferencePair]) -> list[Chat]:
    """Return the chat of each preference pair."""
    return [Chat(_prompt(tokenizer, pair.row), pair.chosen, pair.rejected) for pair in pairs]


def _prompt(tokenizer: PreTrainedTokenizerBase, row: TrainingRow) -> list[Message]:
    # Control tokens are spelt out here, as `prompt.render` does it: other trainers leave them as they stand.
    control = control_pattern(tokenizer)
    passages = [escape_passage(passage, control) for passage in row.passages]
    return prompt.messages(escape_control_tokens(row.question, control), passages)


def longest_chat(tokenizer: PreTrainedTokenizerBase, chats: Sequence[Chat]) -> int:
    """Return how many tokens the longest chat has."""
    return max(
        len(tokenizer(_text(tokenizer, chat.prompt) + said, add_special_tokens=False)["input_ids"]) + 1
        for chat in chats
        for said in (chat.chosen, chat.rejected or "")
    )


def _text(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
