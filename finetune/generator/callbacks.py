"""What training looks at while it goes on: the answers to development questions, and how likely chosen answers still are."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import TrainerCallback

from finetune.data.rows import TrainingRow
from rag.answering.answer import written_answer
from rag.core.errors import TrainingError
from rag.core.sections import AnswerSettings
from rag.core.text_metrics import token_f1
from rag.generation import prompt
from rag.generation.decoding import Continuation, decode_batch, prefill
from rag.generation.generator import Generation
from rag.generation.prefill import PrefixReader
from rag.generation.soft_prompt import is_soft, soft_prompt
from rag.retrieval.retriever import Passage

LONGEST = AnswerSettings.max_new_tokens
BATCH = 16
COLLAPSE = 2.3  # nats: a tenth of the likelihood


@torch.inference_mode()
def answers_of(model: Any, tokenizer: Any, rows: list[TrainingRow], reader: PrefixReader | None) -> list[Continuation]:
    """-> what the model in training greedily answers to each row; with a reader, on passages that the base has read."""
    order = sorted(range(len(rows)), key=lambda n: sum(len(c.text) for c in rows[n].passages))
    said: dict[int, Continuation] = {}
    for at in range(0, len(order), BATCH):
        batch = order[at : at + BATCH]
        tokens = [prompt.render(tokenizer, rows[n].question, list(rows[n].passages)) for n in batch]
        if reader:
            with reader.read([t.parts(reader.block_attention) for t in tokens]) as prefix:
                read, speaker = prefill(model, [t.suffix for t in tokens], prefix), model
        else:
            speaker = model.get_base_model() if is_soft(model) else model
            read = prefill(speaker, [t.ids for t in tokens], soft_prompt(model, len(batch)))
        said |= zip(batch, decode_batch(speaker, read, {tokenizer.eos_token_id}, LONGEST), strict=True)
    return [said[n] for n in range(len(rows))]


def answer_f1(row: TrainingRow, text: str) -> float:
    """-> token F1 of what would be shown of a freely written answer, by SQuAD 2.0's rule: a refusal is right where the label is the refusal."""
    shown = written_answer(Generation(text, []), [Passage(chunk, 0.0, None) for chunk in row.passages])
    if shown.refused or not row.cited:
        return float(shown.refused and not row.cited)
    return token_f1(shown.text, [row.answer])


class AnswerF1(TrainerCallback):
    """Adds "eval_f1", mean F1 of the answers to the development rows, to every evaluation: the loss goes on falling when answers no longer get better."""

    def __init__(self, tokenizer: Any, rows: list[TrainingRow], reader: PrefixReader | None):
        self._tokenizer, self._rows, self._reader = tokenizer, rows, reader

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float], model: Any, **kwargs: Any
    ) -> None:
        model.eval()
        with torch.autocast(args.device.type, torch.bfloat16, enabled=args.bf16):
            said = answers_of(model, self._tokenizer, self._rows, self._reader)
        texts = [self._tokenizer.decode(s.ids, skip_special_tokens=True) for s in said]
        metrics["eval_f1"] = sum(map(answer_f1, self._rows, texts)) / len(texts)
        state.log_history[-1]["eval_f1"] = metrics["eval_f1"]


class StopAtCollapse(TrainerCallback):
    """Ends DPO when chosen outputs have on average become less than a tenth as likely as at the start: the loss asks only for the distance to the rejected,
    which also grows where both fall (Pal et al., arXiv 2402.13228). The fallen checkpoint's loss then counts as infinite, so that it is not the best. Raises
    TrainingError when there is no look before it to go back to."""

    def __init__(self, beta: float):
        self._beta = beta

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any) -> None:
        fallen = -metrics["eval_rewards/chosen"] / self._beta
        if fallen <= COLLAPSE:
            return
        said = f"chosen answers have become {math.exp(fallen):.0f} times less likely"
        if state.best_metric is None:
            slower = f"python -m finetune --set dpo.learning_rate={args.learning_rate / 4:g} dpo, then train --resume"
            raise TrainingError(f"{said} at DPO's first look, at a learning rate of {args.learning_rate:g}: {slower}")
        metrics["eval_loss"] = math.inf
        control.should_training_stop = True
        print(f"stopped: {said}; the best checkpoint before is kept")
