"""Citations for generated text: only of passages shown and with literal quotes, or none if no passage supports it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.chunk import Chunk
from rag.core.chunk_parts import Span, prose_spans, row_spans
from rag.core.table_cell import TableCell
from rag.core.text_metrics import normalize
from rag.core.words import FUNCTION_WORDS
from rag.generation.prompt import ParsedAnswer
from rag.generation.span_tree import IsOpen
from rag.retrieval.passage import Passage

_WORDS = re.compile(r"\w+(?:[.,:/-]\w+)*")
_SIGNS = "£$€¥"
# A sign stands before its number or as the column of a table; a unit stands behind it with a space or a hyphen.
_JOINED = re.compile(rf"(?<=[{_SIGNS}])(?=\d)|(?<=\d)-(?=[^\W\d_])")
MIN_SUPPORT = 0.6  # share of the answer's words that the quoted sentence must contain


@dataclass(frozen=True)
class Citation:
    """The evidence for an answer.

    passage: its number among the passages shown, from 1. start, end: the characters of `quote` in the document's text;
    for an answer from a table the quote is its row. row, column: names of those that the answer stands in, "" outside
    tables. location: file, headings, page, row and column, for people.
    """

    passage: int
    document: str
    start: int
    end: int
    quote: str
    headings: tuple[str, ...]
    page: int | None
    row: str = ""
    column: str = ""
    location: str = ""


def cite(chunk: Chunk, passage: int, start: int, end: int, answer: Span | None = None) -> Citation:
    """Return the citation of the chunk's characters from `start` to `end`, shown as passage number `passage`.

    answer: which characters of the chunk the answer has, if it stands there.
    """
    first, last = chunk.start + start, chunk.start + end
    cell = _cell_at(chunk, answer) if answer else None
    row, column = (cell.row_name, cell.column) if cell else ("", "")
    named = [f"{what} {name}" for what, name in (("row", row), ("column", column)) if name]
    location = ", ".join((chunk.location, *named))
    quote = chunk.text[start:end]
    return Citation(passage, chunk.document, first, last, quote, chunk.headings, chunk.page, row, column, location)


def _cell_at(chunk: Chunk, span: Span) -> TableCell | None:
    return next((cell for cell in chunk.cells if cell.start <= span[0] and span[1] <= cell.end), None)


def ground(
    answer: ParsedAnswer, passages: list[Passage], is_open: IsOpen | None = None, question: str = ""
) -> list[Citation]:
    """Return a citation for each cited passage that supports the answer.

    If none of them does, the one passage shown that supports it best is cited; if no passage does, the list is empty. A
    passage supports the answer if one of its sentences or table rows has every number and at least MIN_SUPPORT of the
    words. is_open: whether a cell of a passage may answer; all may if None. question: given for a whole sentence; its
    words then count as little as those that say nothing, and its numbers may stand in the headings above: what an
    annual review tells of the year need not name it.
    """
    if answer.refused or not answer.text:
        return []
    cited = [n for n in answer.cited if 1 <= n <= len(passages)]
    found = [best for n in cited if (best := _best_part(answer.text, n, passages[n - 1].chunk, is_open, question))]
    if found:
        return [citation for _, citation in found]
    others = [n for n in range(1, len(passages) + 1) if n not in cited]
    found = [best for n in others if (best := _best_part(answer.text, n, passages[n - 1].chunk, is_open, question))]
    return [max(found, key=lambda pair: pair[0])[1]] if found else []


def _best_part(
    text: str, number: int, chunk: Chunk, is_open: IsOpen | None, question: str
) -> tuple[float, Citation] | None:
    """Return the support and the citation of the best sentence or table row, None if none supports the text."""
    spans = row_spans(chunk)
    rows = {cell.row for cell in chunk.cells if is_open is None or is_open(number, cell)}
    parts = sorted([*prose_spans(chunk), *(spans[row] for row in rows)])
    known = FUNCTION_WORDS.union(normalize(question).split()) if question else frozenset()
    claimed = _without_numbers_above(text, chunk, question)
    scored = [(support(claimed, chunk.text[start:end], known), start, end) for start, end in parts]
    score, start, end = max(scored, key=lambda s: (s[0], -s[1], s[2]), default=(0.0, 0, 0))
    if score < MIN_SUPPORT:
        return None
    return score, cite(chunk, number, start, end, _best_cell(text, chunk, start, end))


def _without_numbers_above(text: str, chunk: Chunk, question: str) -> str:
    """Return a text without the numbers that the question has too, and the headings or the title above a chunk."""
    above = _WORDS.findall(f"{chunk.title} {chunk.heading_path}")
    told = {word for word in _WORDS.findall(question) if word in above and any(map(str.isdigit, word))}
    return _WORDS.sub(lambda word: "" if word[0] in told else word[0], text) if told else text


def _best_cell(text: str, chunk: Chunk, start: int, end: int) -> Span | None:
    """Return the cell in these characters that supports the text alone, None if none or several do."""
    cells = [(cell.start, cell.end) for cell in chunk.cells if start <= cell.start and cell.end <= end]
    found = [cell for cell in cells if support(text, chunk.text[slice(*cell)]) >= MIN_SUPPORT]
    return found[0] if len(found) == 1 else None


def support(text: str, sentence: str, known: frozenset[str] = frozenset()) -> float:
    """Return the share of the text's distinct words that are in the sentence; 0.0 if it has another number or currency.

    known: words that need not be in it. All count where the text has no others, and numbers always.
    """
    wanted, present = (set(normalize(_JOINED.sub(" ", words)).split()) for words in (text, sentence))
    wanted = {word for word in wanted if word not in known or any(map(str.isdigit, word))} or wanted
    missing = wanted - present
    if not wanted or _numbers(text) - _numbers(sentence) or any(ch.isdigit() for word in missing for ch in word):
        return 0.0
    if (signs := _signs(sentence)) and _signs(text) - signs:
        return 0.0
    return len(wanted & present) / len(wanted)


def _signs(text: str) -> set[str]:
    return {character for character in text if character in _SIGNS}


def _numbers(text: str) -> set[str]:
    """Return the numbers with their points and colons, which normalization removes: 1.5 is not 15."""
    return {number.replace(",", "") for number in re.findall(r"\d+(?:[.,:]\d+)*", text)}
