"""Greedy decoding over a prefix cache: batches token by token, a single prompt with drafts that are copied from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from rag.generation.prefill import Prefix, left_padded

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel

DRAFT_TOKENS = 8  # in a draft; on two cores a step over 9 tokens takes about as long as a step over 1
MATCH_TOKENS = 3  # at most, that an earlier occurrence must have in common with the end of the text


@dataclass(frozen=True)
class PrefillState:
    """Prompts as a model has encoded them.

    cache: keys and values. mask: attention mask (rows, tokens). position: of each row's next token, (rows, 1).
    logprobs: natural log-probabilities of the next token, (rows, vocabulary).
    """

    cache: Cache
    mask: torch.Tensor
    position: torch.Tensor
    logprobs: torch.Tensor


@dataclass(frozen=True)
class Continuation:
    """The generated token ids without the end token, and the natural log-probability of each and of the end token."""

    ids: list[int]
    logprobs: list[float]


def prefill(model: PreTrainedModel, rows: list[list[int]], after: Prefix | None = None) -> PrefillState:
    """Encode token ids, one row a prompt, after prefixes that are already encoded."""
    ids, mask = left_padded(rows, model.device)
    position = (mask.cumsum(1) - 1).clamp(min=0)
    if after:
        position, mask = position + after.start, torch.cat([after.mask, mask], 1)
    step = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=position,
        past_key_values=after.cache if after else None,
        use_cache=True,
        logits_to_keep=1,
    )
    return PrefillState(step.past_key_values, mask, position[:, -1:] + 1, step.logits[:, -1].float().log_softmax(-1))


def decode_batch(
    model: PreTrainedModel, state: PrefillState, end_ids: set[int], max_new_tokens: int
) -> list[Continuation]:
    """Continue each row greedily, up to one of the end tokens or the maximum length."""
    cache, mask, position, logprobs = state.cache, state.mask, state.position, state.logprobs
    continuations: list[Continuation] = [Continuation([], []) for _ in mask]
    done = [False] * len(mask)
    for left in range(max_new_tokens - 1, -1, -1):
        best = logprobs.max(-1)
        for row, (token, logprob) in enumerate(zip(best.indices.tolist(), best.values.tolist(), strict=True)):
            if not done[row]:
                continuations[row].logprobs.append(logprob)
                done[row] = token in end_ids
                continuations[row].ids.extend([] if done[row] else [token])
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
        cache, position, logprobs = step.past_key_values, position + 1, step.logits[:, -1].float().log_softmax(-1)
    return continuations


def decode_one(
    model: PreTrainedModel,
    state: PrefillState,
    context: list[int],
    end_ids: set[int],
    max_new_tokens: int,
    on_tokens: Callable[[list[int]], None],
) -> Continuation:
    """Continue a single row as decode_batch does, in fewer steps.

    Answers mostly copy from the context, the prompt's token ids. Each step therefore also encodes a draft of the tokens
    that follow the same words there, and keeps it as far as the model agrees (prompt lookup decoding,
    github.com/apoorvumang/prompt-lookup-decoding; greedy speculative decoding: Leviathan et al. 2022, arXiv
    2211.17192). on_tokens is called with all ids so far after every step.
    """
    ids: list[int] = []
    values: list[float] = []
    logprobs, step = state.logprobs, [-1]  # step: the last token (at first the prompt's) and the draft after it
    while True:
        accepted, ended = _accept(logprobs, step[1:], end_ids, max_new_tokens - len(values))
        values += [value for _, value in accepted]
        ids += [token for token, _ in accepted if token not in end_ids]
        on_tokens(ids)
        if ended:
            return Continuation(ids, values)
        state.cache.crop(min(0, len(accepted) - len(step)))  # without the rejected part of the draft
        draft = prompt_lookup([*context, *ids])[: max_new_tokens - len(values) - 1]
        step = [ids[-1], *draft]
        logprobs = _encode_draft(model, state, step, len(ids) - 1)


def _accept(
    logprobs: torch.Tensor, draft: list[int], end_ids: set[int], limit: int
) -> tuple[list[tuple[int, float]], bool]:
    """Return the tokens (with log-probabilities) up to the first that differs from the draft, and whether it ends."""
    best, accepted = logprobs.max(-1), []
    for guess, token, value in zip([*draft, None], best.indices.tolist(), best.values.tolist(), strict=True):
        accepted.append((token, value))
        if token in end_ids or len(accepted) == limit:
            return accepted, True
        if token != guess:
            break
    return accepted, False


def _encode_draft(model: PreTrainedModel, state: PrefillState, step: list[int], done: int) -> torch.Tensor:
    """Return the log-probabilities after each token of the step, (tokens, vocabulary). done: tokens before the step."""
    ids = torch.tensor([step], device=model.device)
    position = state.position + done + torch.arange(len(step), device=model.device)
    mask = torch.nn.functional.pad(state.mask, (0, done + len(step)), value=1)
    output = model(
        input_ids=ids, attention_mask=mask, position_ids=position, past_key_values=state.cache, use_cache=True
    )
    return output.logits[0].float().log_softmax(-1)


def prompt_lookup(ids: list[int]) -> list[int]:
    """Return the tokens after the last earlier occurrence of the final tokens, as many of these as can be matched."""
    for n in range(MATCH_TOKENS, 0, -1):
        tail = ids[-n:]
        for at in range(len(ids) - n - 1, -1, -1):
            if ids[at : at + n] == tail:
                return ids[at + n : at + n + DRAFT_TOKENS]
    return []


def score_continuations(
    model: PreTrainedModel, state: PrefillState, continuations: list[list[int]]
) -> list[list[float]]:
    """Return the natural log-probability of each token of the given continuations, one a row.

    Leaves the cache as it was.
    """
    longest = max(map(len, continuations))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in continuations], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in continuations], device=model.device)
    position = state.position + torch.arange(longest, device=model.device)
    step = model(
        input_ids=ids,
        attention_mask=torch.cat([state.mask, mask], 1),
        position_ids=position,
        past_key_values=state.cache,
        use_cache=True,
    )
    logprobs = torch.cat([state.logprobs[:, None], step.logits[:, :-1].float().log_softmax(-1)], 1)
    state.cache.crop(-longest)
    found = logprobs.gather(-1, ids[..., None])[..., 0].tolist()
    return [values[: len(row)] for values, row in zip(found, continuations, strict=True)]
