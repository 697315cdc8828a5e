"""Beam search for an answer among the spans of the passages, so that every answer stands in them word for word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from rag.generation.decoding import PrefillState
from rag.generation.span_tree import SpanNode, SpanPlace

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BEAMS = 6
LOOKAHEAD = 5  # tokens of one beam encoded together; on two cores a step over 30 takes little longer than over 6
MARGIN = 5.0  # nats below the best span, from which on a beam is dropped


@dataclass(frozen=True)
class Span:
    """A span and where it occurs. logprob: natural log-probability of its tokens and of ending after them."""

    ids: tuple[int, ...]
    places: tuple[SpanPlace, ...]
    logprob: float


def search_spans(
    model: PreTrainedModel,
    state: PrefillState,
    tree: SpanNode,
    end_id: int,
    beams: int = BEAMS,
    margin: float = MARGIN,
    extra_paths: Iterable[tuple[int, ...]] = (),
) -> list[Span]:
    """Return the spans that the model most likely writes next and ends with the token `end_id`, best first.

    state: a single encoded prompt, whose cache is left as it was. margin: in nats, see MARGIN. extra_paths: paths in
    the tree whose ends are scored and returned as well, however unlikely.
    """
    search = _Search(model, state, end_id, beams, margin)
    root = _Beam((), 0.0, tree, [], state.logprobs[0])
    live, unscored = [root], list(dict.fromkeys(extra_paths))
    while chosen := search.choose(live):
        live, unscored = search.grow(chosen, root, unscored), []
    if search.columns:
        state.cache.crop(-search.columns)
    known = {span.ids for span in search.found}
    spans = [*search.found, *(span for span in search.extra if span.ids not in known)]
    return sorted(spans, key=lambda span: -span.logprob)


@dataclass(frozen=True)
class _Beam:
    """An encoded path in the tree. columns: of its tokens in the cache. logprobs: of the next token, (vocabulary,)."""

    ids: tuple[int, ...]
    total: float  # log-probability of the ids
    node: SpanNode
    columns: list[int]
    logprobs: torch.Tensor


class _Search:
    """The beams of one search, encoded as one row in which each token attends to the prompt and its own path alone.

    Tokens that must follow a beam, because the passages continue it in one way only, are encoded in the same step.
    """

    def __init__(self, model: PreTrainedModel, state: PrefillState, end_id: int, beams: int, margin: float):
        self._model, self._state, self._end_id, self._beams, self._margin = model, state, end_id, beams, margin
        self.found: list[Span] = []
        self.extra: list[Span] = []
        self.columns = 0  # tokens encoded so far

    def _hopeless(self, total: float) -> bool:
        full = len(self.found) == self._beams and total <= self.found[-1].logprob
        return full or bool(self.found) and total < self.found[0].logprob - self._margin

    def choose(self, live: list[_Beam]) -> list[tuple[float, _Beam, int]]:
        """Return the best continuations by one token: log-probability including it, beam, token."""
        ahead = []
        for beam in live:
            tokens = list(beam.node.next)
            values = beam.logprobs[torch.tensor(tokens, dtype=torch.long, device=beam.logprobs.device)].tolist()
            totals = [beam.total + value for value in values]
            ahead += [(t, beam, token) for t, token in zip(totals, tokens, strict=True) if not self._hopeless(t)]
        return sorted(ahead, key=lambda continuation: -continuation[0])[: self._beams]

    def grow(self, chosen: list[tuple[float, _Beam, int]], root: _Beam, extra: list[tuple[int, ...]]) -> list[_Beam]:
        """Encode the continuations, and the extra paths in the same step. Return the beams that are worth growing."""
        forced = [_forced_tokens(beam.node, token) for _, beam, token in chosen]
        beams = [*(beam for _, beam, _ in chosen), *[root] * len(extra)]
        logprobs, columns = self._encode(beams, [*forced, *map(list, extra)])
        grown, at = [], 0
        for (total, beam, _), tokens, own in zip(chosen, forced, columns, strict=False):
            grown += self._extend(beam, total, tokens, own, logprobs[at : at + len(tokens)])
            at += len(tokens)
        for path in extra:
            self.extra.append(self._scored(root, path, logprobs[at : at + len(path)]))
            at += len(path)
        return grown

    def _extend(
        self, beam: _Beam, total: float, tokens: list[int], columns: list[int], logprobs: torch.Tensor
    ) -> list[_Beam]:
        """Note the spans along the tokens. Return the beam after them, or none when it becomes hopeless.

        total: up to the first of the tokens. logprobs: after each of them, (tokens, vocabulary).
        """
        ids, node = beam.ids, beam.node
        for n, token in enumerate(tokens):
            total += float(logprobs[n - 1, token]) if n else 0.0
            if self._hopeless(total):
                return []
            ids, node = (*ids, token), node.next[token]
            if node.places:
                self.found.append(Span(ids, tuple(node.places), total + float(logprobs[n, self._end_id])))
                self.found = sorted(self.found, key=lambda span: -span.logprob)[: self._beams]
        return [_Beam(ids, total, node, columns, logprobs[-1])]

    def _scored(self, root: _Beam, path: tuple[int, ...], logprobs: torch.Tensor) -> Span:
        node = root.node
        for token in path:
            node = node.next[token]
        inner = sum(logprobs[n, token] for n, token in enumerate(path[1:]))
        total = float(root.logprobs[path[0]] + inner + logprobs[-1, self._end_id])
        return Span(path, tuple(node.places), total)

    def _encode(self, beams: list[_Beam], tokens: list[list[int]]) -> tuple[torch.Tensor, list[list[int]]]:
        """Encode new tokens of each beam in one step.

        Returns the log-probabilities after each token (tokens of all beams, vocabulary), and the columns of each beam's
        tokens, the new ones included.
        """
        device, prompt, count = self._state.mask.device, self._state.mask.shape[1], sum(map(len, tokens))
        mask = torch.zeros(count, prompt + self.columns + count, dtype=torch.bool, device=device)
        mask[:, :prompt] = self._state.mask[0].bool()
        offsets, columns, row = [], [], 0
        for beam, new in zip(beams, tokens, strict=True):
            own = list(beam.columns)
            for n in range(len(new)):
                own.append(self.columns + row)
                mask[row, [prompt + column for column in own]] = True
                offsets.append(len(beam.ids) + n)
                row += 1
            columns.append(own)
        step = self._model(
            input_ids=torch.tensor([[token for new in tokens for token in new]], device=device),
            attention_mask=mask[None, None],
            position_ids=self._state.position + torch.tensor([offsets], device=device),
            past_key_values=self._state.cache,
            use_cache=True,
        )
        self.columns += count
        return step.logits[0].float().log_softmax(-1), columns


def _forced_tokens(node: SpanNode, token: int) -> list[int]:
    """Return the token and those that must follow it, up to LOOKAHEAD in all."""
    tokens, node = [token], node.next[token]
    while len(tokens) < LOOKAHEAD and len(node.next) == 1:
        (token,) = node.next
        tokens.append(token)
        node = node.next[token]
    return tokens
