"""All spans of the passages that can be an answer, as a tree of token ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.core.chunk import Chunk
from rag.core.invisible_characters import remove_invisible
from rag.core.sentences import sentence_spans

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_SPAN_TOKENS = 24
MAX_TOKEN_CHARACTERS = 8  # on average over a span; text beyond 24 such tokens is not tokenized
LEAD_WORDS = 5  # at the start of a span, within which a match of the answer type must begin
_WORD = re.compile(r"(?<![\w£$€])[£$€]?\w+(?:(?<=\d)[.,:/](?=\d)\w+)*%?")
_NUMBERING = re.compile(  # of a section or a list item
    r"(?:#+ ?)?(?:\d+(?:\.\d+)*[.)]|\d+(?:\.\d+)+|(?<=#)\d+|(?<=# )\d+)(?: (?=[A-Z\"“*(])|$)"
)


@dataclass(frozen=True)
class SpanPlace:
    """One occurrence of a span.

    passage: its number among those shown, from 1. start, end, sentence: character offsets in the chunk's text, of the
    span and of the sentence around it.
    """

    passage: int
    start: int
    end: int
    sentence: tuple[int, int]

    def text(self, chunk: Chunk) -> str:
        """Return the span's text in its chunk, with runs of white space as one space."""
        return " ".join(chunk.text[self.start : self.end].split())


@dataclass
class SpanNode:
    """A path of tokens that starts at least one span. places: where the path is a whole span."""

    next: dict[int, SpanNode] = field(default_factory=dict)
    places: list[SpanPlace] = field(default_factory=list)


@dataclass(frozen=True)
class _Start:
    """A position where spans start. text: from there on. ends: where the spans end. Both count in the flat sentence."""

    text: str
    start: int
    ends: set[int]
    passage: int
    sentence: tuple[int, int]
    offsets: list[int]  # of the flat sentence's characters in the chunk


def build_span_tree(
    tokenizer: PreTrainedTokenizerBase, passages: list[Chunk], answer_type: re.Pattern[str] | None = None
) -> SpanNode:
    """Return the tree of all spans of whole words within a sentence, tokenized as a generator would write them.

    With an answer type, only spans that contain a match among their first LEAD_WORDS words, if there are any.
    """
    root, starts = SpanNode(), list(_starts(passages, answer_type))
    if not starts:
        return build_span_tree(tokenizer, passages) if answer_type else root
    encoded = tokenizer(
        [start.text for start in starts],
        add_special_tokens=False,
        return_offsets_mapping=True,
        split_special_tokens=True,
    )
    for start, ids, token_offsets in zip(starts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        _add(root, start, ids[:MAX_SPAN_TOKENS], [end for _, end in token_offsets])
    return root


def walk_tree(tree: SpanNode) -> Iterator[tuple[tuple[int, ...], SpanNode]]:
    """Return each node with the path to it."""
    waiting: list[tuple[tuple[int, ...], SpanNode]] = [((), tree)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting += [((*path, token), after) for token, after in node.next.items()]


def _starts(passages: list[Chunk], answer_type: re.Pattern[str] | None) -> Iterator[_Start]:
    for number, chunk in enumerate(passages, 1):
        for first, last in sentence_spans(chunk.text):
            flat, offsets = _flatten(chunk.text, first, last)
            starts_line = chunk.text[:first].strip(" ")[-1:] in ("", "\n")
            numbering = _NUMBERING.match(flat) if starts_line else None
            for start, ends in _bounds(flat, numbering.end() if numbering else 0, answer_type):
                text = flat[start : start + MAX_TOKEN_CHARACTERS * MAX_SPAN_TOKENS]
                text = text.partition("[")[0]  # no answer may contain what reads like a citation
                yield _Start(text, start, ends, number, (first, last), offsets)


def _add(root: SpanNode, start: _Start, ids: list[int], token_ends: list[int]) -> None:
    node = root
    for token, token_end in zip(ids, token_ends, strict=False):
        node = node.next.setdefault(token, SpanNode())
        end = start.start + token_end
        if end in start.ends:
            first, last = start.offsets[start.start], start.offsets[end - 1]
            node.places.append(SpanPlace(start.passage, first, last + 1, start.sentence))


def _bounds(flat: str, after: int, answer_type: re.Pattern[str] | None) -> Iterator[tuple[int, set[int]]]:
    """Return where spans may start in a sentence, and where those that start there may end."""
    words = [(match.start(), match.end()) for match in _WORD.finditer(flat, after)]
    matches = [(match.start(), match.end()) for match in answer_type.finditer(flat)] if answer_type else []
    for at, (start, _) in enumerate(words):
        lead = words[min(at + LEAD_WORDS, len(words)) - 1][1]
        contained = [end for begin, end in matches if start <= begin < lead]
        earliest = min(contained, default=len(flat) + 1) if answer_type else start
        if ends := {end for _, end in words[at:] if end >= earliest}:
            yield start, ends


def _flatten(text: str, first: int, last: int) -> tuple[str, list[int]]:
    """Return a sentence as the prompt shows it, and the offset of each of its characters in the chunk."""
    flat: list[str] = []
    offsets: list[int] = []
    for at in range(first, last):
        space = text[at].isspace()
        if remove_invisible(text[at]) and (not space or flat and flat[-1] != " "):
            flat.append(" " if space else text[at])
            offsets.append(at)
    return "".join(flat), offsets
