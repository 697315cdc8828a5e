"""The passage that has a person's answer, and the answer as it stands there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rag.core.chunk import Chunk
from rag.core.invisible_characters import remove_invisible
from rag.core.sentences import sentence_spans
from rag.labels.answer_place import answer_places
from rag.labels.folded_text import FoldedText


def find_answer(
    answers: Sequence[str], chunks: Sequence[Chunk], contexts: Sequence[str] = ()
) -> tuple[Chunk | None, str]:
    """Return the first passage that has an answer in whole words, and the answer as it stands there, on one line.

    Spelling habits may differ, as `answer_places` describes. contexts: texts that the answer stands in, as the person
    knows; a passage whose sentence is in one of them comes before the others.
    """
    first: tuple[Chunk | None, str] = (None, "")
    known = [FoldedText(context).folded for context in contexts]
    for chunk in chunks:
        text = _folded(chunk.text)
        for start, end in (place for answer in answers for place in answer_places(answer, text)):
            found = chunk, on_one_line(chunk.text[start:end])
            if not known or _sentence_at(chunk.text, start) in "\n".join(known):
                return found
            first = found if first[0] is None else first
    return first


def _sentence_at(text: str, place: int) -> str:
    """Return the folded sentence that holds a place of the text."""
    spans = [(start, end) for start, end in sentence_spans(text) if start <= place < end]
    start, end = spans[0] if spans else (0, len(text))
    return FoldedText(text[start:end]).folded


@lru_cache(256)
def _folded(text: str) -> FoldedText:
    return FoldedText(text)


def on_one_line(text: str) -> str:
    """Return the text as a prompt shows it: on one line, without invisible characters."""
    return " ".join(remove_invisible(text).split())
