"""Answers by construction: only token paths that stand in the passages shown, found by beam search over all of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from rag.core.chunk import Chunk
from rag.core.invisible_characters import remove_invisible
from rag.core.sentences import sentence_spans
from rag.generation.decoding import PrefillState

MAX_SPAN_TOKENS = 24  # tokens of a span
LEAD_WORDS = 5  # words of a span, within which the kind of answer that is asked for stands
BEAMS = 6
LOOKAHEAD = (
    5  # tokens of one beam that are read together: on two cores a step over 30 tokens takes little longer than over 6
)
MARGIN = 5.0  # nats below the best span, from which on a beginning is given up
_WORD = re.compile(r"(?<![\w£$€])[£$€]?\w+(?:(?<=\d)[.,:/](?=\d)\w+)*%?")
_LABEL = re.compile(
    r"(?:#+ ?)?(?:\d+(?:\.\d+)*[.)]|\d+(?:\.\d+)+|(?<=#)\d+|(?<=# )\d+)(?: (?=[A-Z\"“*(])|$)"
)  # the number of a section or an item


@dataclass(frozen=True)
class SpanPlace:
    """Where a span stands. passage: number among those shown (from 1). start, end: characters of the chunk's text; sentence: those of the sentence around."""

    passage: int
    start: int
    end: int
    sentence: tuple[int, int]

    def text(self, chunk: Chunk) -> str:
        """Return the span's text in its chunk, with runs of white space as one space."""
        return " ".join(chunk.text[self.start : self.end].split())


@dataclass
class SpanNode:
    """A beginning of spans. places: where it is a whole span."""

    next: dict[int, SpanNode] = field(default_factory=dict)
    places: list[SpanPlace] = field(default_factory=list)


@dataclass(frozen=True)
class Span:
    """logprob: natural log-probability of its tokens and of ending there."""

    ids: tuple[int, ...]
    places: tuple[SpanPlace, ...]
    logprob: float


def build_span_tree(tokenizer: Any, passages: list[Chunk], kind: re.Pattern[str] | None = None) -> SpanNode:
    """-> the tokens of every span of whole words within a sentence, as a generator would write them; if any holds `kind` among its first LEAD words, of those
    alone."""
    root, texts, origins = SpanNode(), [], []
    for n, chunk in enumerate(passages, 1):
        for first, last in sentence_spans(chunk.text):
            flat, place = _flattened(chunk.text, first, last)
            label = _LABEL.match(flat) if chunk.text[:first].strip(" ")[-1:] in ("", "\n") else None
            for start, ends in _bounds(flat, label.end() if label else 0, kind):
                texts.append(
                    flat[start : start + 8 * MAX_SPAN_TOKENS].partition("[")[0]
                )  # no answer holds what reads like a citation
                origins.append((n, (first, last), start, place, ends))
    if not texts:
        return build_span_tree(tokenizer, passages) if kind else root
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, split_special_tokens=True)
    for ids, offsets, (n, sentence, start, place, ends) in zip(
        encoded["input_ids"], encoded["offset_mapping"], origins, strict=True
    ):
        node = root
        for token, (_, end) in zip(ids[:MAX_SPAN_TOKENS], offsets, strict=False):
            node = node.next.setdefault(token, SpanNode())
            if start + end in ends:
                node.places.append(SpanPlace(n, place[start], place[start + end - 1] + 1, sentence))
    return root


def walk_tree(tree: SpanNode) -> Iterator[tuple[tuple[int, ...], SpanNode]]:
    """-> each node with the path to it."""
    waiting: list[tuple[tuple[int, ...], SpanNode]] = [((), tree)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting += [((*path, token), after) for token, after in node.next.items()]


def _bounds(flat: str, after: int, kind: re.Pattern[str] | None) -> Iterator[tuple[int, set[int]]]:
    """-> where spans may start, and where those that start there may end."""
    words = [(m.start(), m.end()) for m in _WORD.finditer(flat, after)]
    held = [(m.start(), m.end()) for m in kind.finditer(flat)] if kind else []
    for at, (start, _) in enumerate(words):
        lead = words[min(at + LEAD_WORDS, len(words)) - 1][1]
        least = min((end for begin, end in held if start <= begin < lead), default=len(flat) + 1) if kind else start
        if ends := {end for _, end in words[at:] if end >= least}:
            yield start, ends


def _flattened(text: str, first: int, last: int) -> tuple[str, list[int]]:
    """-> the sentence as the prompt shows it, runs of white space as one blank and nothing without shape, and where each of its characters stands."""
    flat, place = [], []
    for at in range(first, last):
        space = text[at].isspace()
        if remove_invisible(text[at]) and (not space or flat and flat[-1] != " "):
            flat.append(" " if space else text[at])
            place.append(at)
    return "".join(flat), place


def search_spans(
    model: Any,
    read: PrefillState,
    tree: SpanNode,
    closing: int,
    beams: int = BEAMS,
    margin: float = MARGIN,
    also: Iterable[tuple[int, ...]] = (),
) -> list[Span]:
    """-> the likeliest spans of the tree that the model would write next and follow by the token `closing`, and those at the ends of the paths `also`, best
    first. For a single prompt; leaves its cache as it was."""
    search = _Search(model, read, closing, beams, margin)
    root = _Beam((), 0.0, tree, [], read.scores[0])
    live, named = [root], list(dict.fromkeys(also))
    while chosen := search.choose(live):
        live, named = search.grow(chosen, root, named), []
    if search.columns:
        read.cache.crop(-search.columns)
    known = {span.ids for span in search.found}
    return sorted(
        [*search.found, *(span for span in search.named if span.ids not in known)], key=lambda span: -span.logprob
    )


@dataclass(frozen=True)
class _Beam:
    """A beginning that has been read: its tokens, their log-probability, where it is in the tree, the columns of its tokens, the scores of the next."""

    ids: tuple[int, ...]
    total: float
    node: SpanNode
    columns: list[int]
    scores: torch.Tensor


class _Search:
    """All beams are one row, in which each token sees the prompt and its own beginning only; what has only one continuation in the passages is read with it
    in one step."""

    def __init__(self, model: Any, read: PrefillState, closing: int, beams: int, margin: float):
        self._model, self._read, self._closing, self._beams, self._margin = model, read, closing, beams, margin
        self.found: list[Span] = []
        self.named: list[Span] = []
        self.columns = 0  # tokens read so far

    def _hopeless(self, total: float) -> bool:
        full = len(self.found) == self._beams and total <= self.found[-1].logprob
        return full or bool(self.found) and total < self.found[0].logprob - self._margin

    def choose(self, live: list[_Beam]) -> list[tuple[float, _Beam, int]]:
        """-> the best continuations of the beams by one token, with the log-probability up to it."""
        ahead = []
        for beam in live:
            tokens = list(beam.node.next)
            values = beam.scores[torch.tensor(tokens, dtype=torch.long, device=beam.scores.device)].tolist()
            ahead += [
                (beam.total + value, beam, token)
                for value, token in zip(values, tokens, strict=True)
                if not self._hopeless(beam.total + value)
            ]
        return sorted(ahead, key=lambda a: -a[0])[: self._beams]

    def grow(self, chosen: list[tuple[float, _Beam, int]], root: _Beam, named: list[tuple[int, ...]]) -> list[_Beam]:
        """Read the continuations and what must follow them, and in the same step the paths that are named, however unlikely. -> the beams that have not become
        hopeless."""
        forced = [_forced(beam.node, token) for _, beam, token in chosen]
        logprobs, columns = self._step(
            [*(beam for _, beam, _ in chosen), *[root] * len(named)], [*forced, *map(list, named)]
        )
        grown, at = [], 0
        for (total, beam, _), tokens, own in zip(chosen, forced, columns, strict=False):
            grown += self._walk(total, beam, tokens, own, logprobs[at : at + len(tokens)])
            at += len(tokens)
        for path in named:
            self.named.append(self._whole(root, path, logprobs[at : at + len(path)]))
            at += len(path)
        return grown

    def _whole(self, root: _Beam, path: tuple[int, ...], logprobs: torch.Tensor) -> Span:
        node = root.node
        for token in path:
            node = node.next[token]
        total = float(
            root.scores[path[0]]
            + sum(logprobs[n, token] for n, token in enumerate(path[1:]))
            + logprobs[-1, self._closing]
        )
        return Span(path, tuple(node.places), total)

    def _walk(
        self, total: float, beam: _Beam, tokens: list[int], columns: list[int], logprobs: torch.Tensor
    ) -> list[_Beam]:
        ids, node = beam.ids, beam.node
        for n, token in enumerate(tokens):
            total += float(logprobs[n - 1, token]) if n else 0.0
            if self._hopeless(total):
                return []
            ids, node = (*ids, token), node.next[token]
            if node.places:
                self.found.append(Span(ids, tuple(node.places), total + float(logprobs[n, self._closing])))
                self.found = sorted(self.found, key=lambda span: -span.logprob)[: self._beams]
        return [_Beam(ids, total, node, columns, logprobs[-1])]

    def _step(self, beams: list[_Beam], tokens: list[list[int]]) -> tuple[torch.Tensor, list[list[int]]]:
        """-> log-probabilities after each of the tokens, one beam's after the other's, and the columns of each beam's tokens, its own among them."""
        start, device, count = self._read.mask.shape[1], self._read.mask.device, sum(map(len, tokens))
        mask = torch.zeros(count, start + self.columns + count, dtype=torch.bool, device=device)
        mask[:, :start] = self._read.mask[0].bool()
        places, columns, row = [], [], 0
        for beam, own in zip(beams, tokens, strict=True):
            seen = list(beam.columns)
            for n in range(len(own)):
                seen.append(self.columns + row)
                mask[row, [start + column for column in seen]] = True
                places.append(len(beam.ids) + n)
                row += 1
            columns.append(seen)
        ids = torch.tensor([[token for own in tokens for token in own]], device=device)
        position = self._read.position + torch.tensor([places], device=device)
        step = self._model(
            input_ids=ids,
            attention_mask=mask[None, None],
            position_ids=position,
            past_key_values=self._read.cache,
            use_cache=True,
        )
        self.columns += count
        return step.logits[0].float().log_softmax(-1), columns


def _forced(node: SpanNode, token: int) -> list[int]:
    """-> the token, and what must follow it, up to AHEAD tokens."""
    tokens, node = [token], node.next[token]
    while len(tokens) < LOOKAHEAD and len(node.next) == 1:
        (token,) = node.next
        tokens.append(token)
        node = node.next[token]
    return tokens
