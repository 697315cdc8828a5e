"""Greedy decoding over a cache of keys and values: a batch token by token, a single prompt with drafts that are copied from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from rag.generation.prefill import Prefix

DRAFT = 8  # tokens of a draft; on two cores one step over 9 tokens takes about as long as over 1
MATCH = 3  # tokens that a draft's place must have in common with the text so far, at best


@dataclass(frozen=True)
class PrefillState:
    """Prompts as a model has read them: keys and values, attention mask (rows, tokens), the next position of each (rows, 1), natural log-probabilities
    of the next token (rows, vocabulary)."""

    cache: Any
    mask: torch.Tensor
    position: torch.Tensor
    scores: torch.Tensor


@dataclass(frozen=True)
class Continuation:
    """ids: the tokens before the end. logprobs: natural log-probability of each, and of the end where it was reached."""

    ids: list[int]
    logprobs: list[float]


def prefill(model: Any, rows: list[list[int]], after: Prefix | None = None) -> PrefillState:
    """Read token ids, after beginnings that have been read."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows], device=model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=model.device)
    position = (mask.cumsum(1) - 1).clamp(min=0)
    if after:
        position, mask = position + after.start, torch.cat([after.mask, mask], 1)
    cache = after.cache if after else None
    step = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=position,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return PrefillState(step.past_key_values, mask, position[:, -1:] + 1, step.logits[:, -1].float().log_softmax(-1))


def decode_batch(model: Any, read: PrefillState, ends: set[int], most: int) -> list[Continuation]:
    """-> what greedily follows each row, up to one of the tokens `ends` or `most` tokens."""
    cache, mask, position, scores = read.cache, read.mask, read.position, read.scores
    said: list[Continuation] = [Continuation([], []) for _ in mask]
    done = [False] * len(mask)
    for left in range(most - 1, -1, -1):
        best = scores.max(-1)
        for row, (token, logprob) in enumerate(zip(best.indices.tolist(), best.values.tolist(), strict=True)):
            if not done[row]:
                said[row].logprobs.append(logprob)
                done[row] = token in ends
                said[row].ids.extend([] if done[row] else [token])
        if all(done) or not left:
            break
        last = best.indices[:, None]
        mask = torch.cat([mask, torch.ones_like(last)], 1)
        step = model(
            input_ids=last,
            attention_mask=mask,
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache, position, scores = step.past_key_values, position + 1, step.logits[:, -1].float().log_softmax(-1)
    return said


def decode_one(
    model: Any,
    read: PrefillState,
    context: list[int],
    ends: set[int],
    most: int,
    on_tokens: Callable[[list[int]], None],
) -> Continuation:
    """-> what continue_batch says of a single row, in fewer steps: answers mostly copy from the context, so each step tries the tokens that follow
    the same words there, and keeps them as far as they are what the model would say (prompt lookup decoding, github.com/apoorvumang/prompt-lookup-decoding;
    greedy speculative decoding, arXiv 2211.17192). on_tokens gets the ids so far."""
    said, scores = Continuation([], []), read.scores
    step: list[int] = []  # what was read last: the last token and a draft
    while True:
        best, before = scores.max(-1), len(said.ids)
        for guess, token, logprob in zip([*step[1:], None], best.indices.tolist(), best.values.tolist(), strict=True):
            said.logprobs.append(logprob)
            said.ids.extend([] if token in ends else [token])
            if token in ends or len(said.logprobs) == most:
                on_tokens(said.ids)
                return said
            if token != guess:
                break
        on_tokens(said.ids)
        read.cache.crop(min(0, len(said.ids) - before - len(step)))
        draft = prompt_lookup([*context, *said.ids])[: most - len(said.logprobs) - 1]
        step, done = [said.ids[-1], *draft], len(said.ids) - 1
        ids = torch.tensor([step], device=model.device)
        position = read.position + done + torch.arange(len(step), device=model.device)
        mask = torch.nn.functional.pad(read.mask, (0, done + len(step)), value=1)
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=read.cache, use_cache=True
        ).logits
        scores = logits[0].float().log_softmax(-1)


def prompt_lookup(ids: list[int]) -> list[int]:
    """-> the tokens that follow the last earlier occurrence of the last few, of as many as can be."""
    for n in range(MATCH, 0, -1):
        tail = ids[-n:]
        for at in range(len(ids) - n - 1, -1, -1):
            if ids[at : at + n] == tail:
                return ids[at + n : at + n + DRAFT]
    return []


def score_continuations(model: Any, read: PrefillState, wanted: list[list[int]]) -> list[list[float]]:
    """-> natural log-probability of each token of the wanted continuations, one a row. Leaves the cache as it was."""
    longest = max(map(len, wanted))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in wanted], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in wanted], device=model.device)
    position = read.position + torch.arange(longest, device=model.device)
    whole = torch.cat([read.mask, mask], 1)
    step = model(input_ids=ids, attention_mask=whole, position_ids=position, past_key_values=read.cache, use_cache=True)
    scores = torch.cat([read.scores[:, None], step.logits[:, :-1].float().log_softmax(-1)], 1)
    read.cache.crop(-longest)
    found = scores.gather(-1, ids[..., None])[..., 0].tolist()
    return [values[: len(row)] for values, row in zip(found, wanted, strict=True)]
