"""What training watches: the answers to development questions, and how likely the chosen answers of DPO still are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.data.rows import TrainingRow
from rag.answering.answer import Answer, generated_answer
from rag.core.errors import TrainingError
from rag.core.sections import AnswerSettings
from rag.core.text_metrics import token_f1
from rag.generation import prompt
from rag.generation.decoding import Continuation, decode_batch, prefill
from rag.generation.generator import Generation
from rag.generation.prefill import PrefixReader
from rag.generation.soft_prompt import soft_prompt_prefix, uses_soft_prompt
from rag.retrieval.passage import Passage

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_NEW_TOKENS = AnswerSettings.max_new_tokens
BATCH = 16  # rows answered together
COLLAPSE = 2.3  # nats that a chosen answer may lose: then it is a tenth as likely


@torch.inference_mode()
def generate_answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[TrainingRow],
    reader: PrefixReader | None,
) -> list[Continuation]:
    """Return the greedy answer of the model in training to each row.

    reader: encodes the passages with the base; None where the adapter acts on the whole sequence.
    """
    by_length = sorted(range(len(rows)), key=lambda n: sum(len(c.text) for c in rows[n].passages))
    answers: dict[int, Continuation] = {}
    for at in range(0, len(rows), BATCH):
        batch = by_length[at : at + BATCH]
        prompts = [prompt.render(tokenizer, rows[n].question, list(rows[n].passages)) for n in batch]
        answers |= zip(batch, _answer_batch(model, tokenizer, prompts, reader), strict=True)
    return [answers[n] for n in range(len(rows))]


def _answer_batch(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[prompt.PromptTokens],
    reader: PrefixReader | None,
) -> list[Continuation]:
    writer = model
    if reader:
        with reader.read([tokens.parts(reader.block_attention) for tokens in prompts]) as prefix:
            state = prefill(model, [tokens.suffix for tokens in prompts], prefix)
    else:
        writer = model.get_base_model() if uses_soft_prompt(model) else model
        state = prefill(writer, [tokens.ids for tokens in prompts], soft_prompt_prefix(model, len(prompts)))
    return decode_batch(writer, state, {tokenizer.eos_token_id}, MAX_NEW_TOKENS)


def shown_answer(row: TrainingRow, text: str) -> Answer:
    """Return the answer that would be shown for a freely written text."""
    return generated_answer(Generation(text, []), [Passage(chunk, 0.0, None) for chunk in row.passages])


def answer_f1(row: TrainingRow, text: str) -> float:
    """Return the token F1 of the answer that would be shown for a freely written text.

    By the rule of SQuAD 2.0 (Rajpurkar et al., 2018, arXiv 1806.03822) a refusal scores 1 where the label is the
    refusal, and 0 elsewhere.
    """
    shown = shown_answer(row, text)
    if shown.refused or not row.cited:
        return float(shown.refused and not row.cited)
    return token_f1(shown.text, [row.answer])


class AnswerF1(TrainerCallback):
    """Adds "eval_f1", the mean F1 of the answers to the development rows, to every evaluation.

    The development loss goes on falling when the answers no longer get better.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, rows: Sequence[TrainingRow], reader: PrefixReader | None
    ) -> None:
        self._tokenizer, self._rows, self._reader = tokenizer, rows, reader
        self.texts: list[str] = []  # the answers at the last evaluation

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        model: PreTrainedModel,
        **kwargs: Any,
    ) -> None:
        model.eval()
        with torch.autocast(args.device.type, torch.bfloat16, enabled=args.bf16):
            answers = generate_answers(model, self._tokenizer, self._rows, self._reader)
        self.texts = [self._tokenizer.decode(answer.ids, skip_special_tokens=True) for answer in answers]
        metrics["eval_f1"] = sum(map(answer_f1, self._rows, self.texts)) / len(self.texts)
        state.log_history[-1]["eval_f1"] = metrics["eval_f1"]


class StopAtCollapse(TrainerCallback):
    """Ends DPO when the chosen outputs have on average become less than a tenth as likely as at the start.

    DPO's loss asks only for the distance to the rejected output, which also grows where both fall (Pal et al., 2024,
    arXiv 2402.13228). The fallen checkpoint's loss then counts as infinite, so that an earlier one is the best. Raises
    TrainingError when there is no earlier one.
    """

    def __init__(self, beta: float) -> None:
        self._beta = beta

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **kwargs: Any,
    ) -> None:
        lost_nats = -metrics["eval_rewards/chosen"] / self._beta
        if lost_nats <= COLLAPSE:
            return
        what = f"chosen answers have become {math.exp(lost_nats):.0f} times less likely"
        if state.best_metric is None:
            remedy = f"python -m finetune --set dpo.learning_rate={args.learning_rate / 4:g} dpo, then train --resume"
            when = f"at DPO's first evaluation, at a learning rate of {args.learning_rate:g}"
            raise TrainingError(f"{what} {when}: {remedy}")
        metrics["eval_loss"] = math.inf
        control.should_training_stop = True
        print(f"stopped: {what}; the best checkpoint before is kept")
