"""Answers by construction: only token paths that stand in the passages shown, found by beam search over all of them at once."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import torch

from rag.chunking import Chunk
from rag.decoding import Read
from rag.grounding import sentences

LONGEST = 24  # tokens of a span
BEAMS = 6
MARGIN = 5.0  # nats below the best span, from which on a beginning is given up
_WORD = re.compile(r"(?<![\w£$€])[£$€]?\w+%?")


@dataclass(frozen=True)
class Place:
    """Where a span stands. passage: number among those shown (from 1). start, end: characters of the chunk's text; sentence: those of the sentence around."""

    passage: int
    start: int
    end: int
    sentence: tuple[int, int]


@dataclass
class Node:
    """A beginning of spans. places: where it is a whole span."""

    next: dict[int, Node] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True)
class Span:
    """logprob: natural log-probability of its tokens and of ending there."""

    ids: tuple[int, ...]
    places: tuple[Place, ...]
    logprob: float


def span_tree(tokenizer: Any, passages: list[Chunk]) -> Node:
    """-> the tokens of every span of whole words within a sentence, as a generator would write them."""
    root, texts, origins = Node(), [], []
    for n, chunk in enumerate(passages, 1):
        for first, last in sentences(chunk.text):
            flat, place = _flattened(chunk.text, first, last)
            words = [(m.start(), m.end()) for m in _WORD.finditer(flat)]
            for start, _ in words:
                texts.append(flat[start : start + 8 * LONGEST])
                origins.append((n, (first, last), start, place, {end for _, end in words}))
    if not texts:
        return root
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    for ids, offsets, (n, sentence, start, place, ends) in zip(encoded["input_ids"], encoded["offset_mapping"], origins, strict=True):
        node = root
        for token, (_, end) in zip(ids[:LONGEST], offsets, strict=False):
            node = node.next.setdefault(token, Node())
            if start + end in ends:
                node.places.append(Place(n, place[start], place[start + end - 1] + 1, sentence))
    return root


def _flattened(text: str, first: int, last: int) -> tuple[str, list[int]]:
    """-> the sentence as the prompt shows it, runs of white space as one blank, and where each of its characters stands."""
    flat, place = [], []
    for at in range(first, last):
        space = text[at].isspace()
        if not space or flat and flat[-1] != " ":
            flat.append(" " if space else text[at])
            place.append(at)
    return "".join(flat), place


def find_spans(model: Any, read: Read, tree: Node, closing: int, beams: int = BEAMS, margin: float = MARGIN) -> list[Span]:
    """-> the likeliest spans of the tree that the model would write next and follow by the token `closing`, best first. For a single prompt; leaves its
    cache as it was. All beams are one row, in which each token sees the prompt and its own beginning only."""
    start = read.mask.shape[1]
    found: list[Span] = []
    live: list[tuple[tuple[int, ...], float, Node, list[int], torch.Tensor]] = [((), 0.0, tree, [], read.scores[0])]
    columns = 0
    while live:
        ahead = []
        for ids, total, node, seen, scores in live:
            if node.places:
                found.append(Span(ids, tuple(node.places), total + float(scores[closing])))
            if node.next:
                tokens = list(node.next)
                values = scores[torch.tensor(tokens, device=scores.device)].tolist()
                ahead += [((*ids, token), total + value, node.next[token], seen) for token, value in zip(tokens, values, strict=True)]
        found = sorted(found, key=lambda span: -span.logprob)[:beams]
        least = max(found[0].logprob - margin, found[-1].logprob if len(found) == beams else -math.inf) if found else -math.inf
        ahead = sorted((a for a in ahead if a[1] > least), key=lambda a: -a[1])[:beams]
        if not ahead:
            break
        mask = torch.zeros(len(ahead), start + columns + len(ahead), dtype=torch.bool, device=read.mask.device)
        mask[:, :start] = read.mask[0].bool()
        for row, (_, _, _, seen) in enumerate(ahead):
            mask[row, [start + column for column in (*seen, columns + row)]] = True
        step = model(
            input_ids=torch.tensor([[ids[-1] for ids, *_ in ahead]], device=read.mask.device),
            attention_mask=mask[None, None],
            position_ids=read.position + torch.tensor([[len(ids) - 1 for ids, *_ in ahead]], device=read.mask.device),
            past_key_values=read.cache,
            use_cache=True,
        )
        logprobs = step.logits[0].float().log_softmax(-1)
        live = [(ids, total, node, [*seen, columns + row], logprobs[row]) for row, (ids, total, node, seen) in enumerate(ahead)]
        columns += len(ahead)
    if columns:
        read.cache.crop(-columns)
    return found
