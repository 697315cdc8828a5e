"""All spans of the passages that can be an answer, as a tree of token ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.core.abbreviations import MONTHS
from rag.core.chunk import Chunk
from rag.core.chunk_parts import Span, prose_spans, row_spans
from rag.core.markup import ShownText, find_marks, shown_pieces, shown_text
from rag.core.span_words import WORD
from rag.core.table_cell import TableCell
from rag.core.text_blocks import code_spans

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_SPAN_TOKENS = 24
MAX_TOKEN_CHARACTERS = 8  # on average over a span; text beyond 24 such tokens is not tokenized
LEAD_IN_WORDS = 8  # of a line that says only that code follows
LEAD_WORDS = 5  # at the start of a span, within which a match of the answer type must begin
IsOpen = Callable[[int, TableCell], bool]  # of a passage, by its number from 1, and one of its cells
_DAY = rf"\d+\. (?i:{'|'.join(MONTHS)})\b"
_NUMBERING = re.compile(rf"(?!{_DAY})(?:\d+(?:\.\d+)*[.)]|\d+(?:\.\d+)+)(?: (?=[A-Z\"“*(])|$)")  # of a list item
_HEADING_NUMBER = re.compile(r"(?:#+ ?)?\d+(?:\.\d+)*[.)]?(?: (?=[A-Z\"“*(])|$)")
PROMPT = re.compile(r"(?:\S{0,40}[$%>#] )?[^\w/~.-]*")
_AFTER_NAME = re.compile(r"\w[\"']?\s*[:=]+>?\s*[\"'(]*$")


@dataclass(frozen=True)
class SpanPlace:
    """One occurrence of a span.

    passage: its number among those shown, from 1. start, end, sentence: character offsets in the chunk's text, of the
    span and of the sentence, or the table row, around it.
    """

    passage: int
    start: int
    end: int
    sentence: Span

    def text(self, chunk: Chunk) -> str:
        """Return the span's text in its chunk, with runs of white space as one space and without marks."""
        return shown_text(chunk.text, self.start, self.end, find_marks(chunk.text, chunk.document))


IsPossible = Callable[[SpanPlace], bool]


@dataclass
class SpanNode:
    """A path of tokens that starts at least one span. places: where the path is a whole span."""

    next: dict[int, SpanNode] = field(default_factory=dict)
    places: list[SpanPlace] = field(default_factory=list)


@dataclass(frozen=True)
class _Start:
    """A position where spans start.

    text: from there on. places: where the spans end, each with where what it stands for starts, mostly the same
    position. All count in `shown`.
    """

    text: str
    start: int
    places: dict[int, int]
    passage: int
    sentence: Span
    shown: ShownText  # of the sentence or a piece of it


def build_span_tree(
    tokenizer: PreTrainedTokenizerBase,
    passages: list[Chunk],
    answer_type: re.Pattern[str] | None = None,
    is_open: IsOpen | None = None,
    is_possible: IsPossible | None = None,
) -> SpanNode:
    """Return the tree of all spans of whole words within a sentence, tokenized as a generator would write them.

    A span in a table row lies within one cell. With an answer type, only spans that contain a match among their first
    LEAD_WORDS words, if there are any. is_open: whether a cell of a passage may answer. is_possible: whether a span
    may. All may if None.
    """
    root, starts = SpanNode(), list(_starts(passages, answer_type, is_open))
    if not starts:
        return build_span_tree(tokenizer, passages, None, is_open, is_possible) if answer_type else root
    encoded = tokenizer(
        [start.text for start in starts],
        add_special_tokens=False,
        return_offsets_mapping=True,
        split_special_tokens=True,
    )
    for start, ids, token_offsets in zip(starts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        _add(root, start, ids[:MAX_SPAN_TOKENS], [end for _, end in token_offsets], is_possible)
    return root


def walk_tree(tree: SpanNode) -> Iterator[tuple[tuple[int, ...], SpanNode]]:
    """Return each node with the path to it."""
    waiting: list[tuple[tuple[int, ...], SpanNode]] = [((), tree)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting += [((*path, token), after) for token, after in node.next.items()]


def _starts(passages: list[Chunk], answer_type: re.Pattern[str] | None, is_open: IsOpen | None) -> Iterator[_Start]:
    for number, chunk in enumerate(passages, 1):
        marks = find_marks(chunk.text, chunk.document)
        code = {at for start, end in code_spans(chunk.text) for at in range(start, end)}
        for (first, last), around in _answering_parts(number, chunk, is_open):
            if _leads_to_code(chunk.text, first, last, code):
                continue
            numbering = _numbering(chunk.text, first) if around == (first, last) else None
            for shown in shown_pieces(chunk.text, first, last, marks):
                number_before = numbering.match(shown.text) if numbering else None
                for start, ends in _bounds(shown.text, number_before.end() if number_before else 0, answer_type):
                    in_code = first in code
                    places = _places_in_code(shown.text, start, ends) if in_code else dict.fromkeys(ends, start)
                    text = shown.text[start : start + MAX_TOKEN_CHARACTERS * MAX_SPAN_TOKENS]
                    text = text.partition("[")[0]  # no answer may contain what reads like a citation
                    yield _Start(text, start, places, number, around, shown)


def _answering_parts(number: int, chunk: Chunk, is_open: IsOpen | None) -> Iterator[tuple[Span, Span]]:
    """Yield each part of the text that spans may lie in, and the sentence or table row around it."""
    yield from ((sentence, sentence) for sentence in prose_spans(chunk))
    rows = row_spans(chunk)
    for cell in chunk.cells:
        if is_open is None or is_open(number, cell):
            yield (cell.start, cell.end), rows[cell.row]


def _leads_to_code(text: str, first: int, last: int, code: set[int]) -> bool:
    """Return whether a few words with a colon, such as "Start it with:", stand before code, which is what they say."""
    if text[last - 1] != ":" or len(text[first:last].split()) > LEAD_IN_WORDS:
        return False
    after = text[last:]
    return last + len(after) - len(after.lstrip()) in code


def _numbering(text: str, first: int) -> re.Pattern[str] | None:
    """Return a pattern of the number before a heading or list item that begins at `first`, None where none does."""
    if text[first] == "#":
        return _HEADING_NUMBER
    return _NUMBERING if text[:first].strip(" ")[-1:] in ("", "\n") else None


def _places_in_code(line: str, start: int, ends: set[int]) -> dict[int, int]:
    """Return where spans end in a line of code, each with where its place starts.

    A line is quoted by single words, as a value, or as a whole: a span that goes on to its end stands for all of it.
    """
    if _AFTER_NAME.search(line, 0, start):
        return dict.fromkeys(ends, start)
    prompt = PROMPT.match(line)
    return {max(ends): prompt.end() if prompt else start} | {min(ends): start}


def _add(root: SpanNode, start: _Start, ids: list[int], token_ends: list[int], is_possible: IsPossible | None) -> None:
    """Add the spans that start here. Of tokens that share a character, only the last one may end a span."""
    node = root
    for token, token_end, next_end in zip(ids, token_ends, [*token_ends[1:], -1], strict=False):
        node = node.next.setdefault(token, SpanNode())
        end = start.start + token_end
        if end in start.places and token_end != next_end:
            first, last = start.shown.starts[start.places[end]], start.shown.ends[end - 1]
            place = SpanPlace(start.passage, first, last, start.sentence)
            if is_possible is None or is_possible(place):
                node.places.append(place)


def _bounds(flat: str, after: int, answer_type: re.Pattern[str] | None) -> Iterator[tuple[int, set[int]]]:
    """Return where spans may start in a sentence, and where those that start there may end."""
    words = [(match.start(), match.end()) for match in WORD.finditer(flat, after)]
    matches = [(match.start(), match.end()) for match in answer_type.finditer(flat)] if answer_type else []
    for at, (start, _) in enumerate(words):
        lead = words[min(at + LEAD_WORDS, len(words)) - 1][1]
        contained = [end for begin, end in matches if start <= begin < lead]
        earliest = min(contained, default=len(flat) + 1) if answer_type else start
        if ends := {end for _, end in words[at:] if end >= earliest}:
            yield start, ends
