"""Commands: what a question of how to do something gets where its answer stands in a line of code."""

from __future__ import annotations

import dataclasses
import re

from rag.core.chunk import Chunk
from rag.core.text_blocks import code_spans
from rag.generation.span_tree import PROMPT, SpanPlace

_ASKS_HOW = re.compile(
    r"\bhow (?:(?:do|can|could|should|would|must) (?:i|we|you|one)|to)\b|\b(?:what|which) commands?\b", re.I
)


def whole_command(question: str, place: SpanPlace, chunk: Chunk) -> SpanPlace:
    """Return the place of the whole line, without its prompt, where a part of a command is to say how to do something.

    Other questions, and places outside code, keep their place.
    """
    first, last = place.sentence
    in_code = any(start <= place.start < end for start, end in code_spans(chunk.text))
    if not in_code or not _ASKS_HOW.search(question):
        return place
    prompt = PROMPT.match(chunk.text, first, last)
    return dataclasses.replace(place, start=prompt.end() if prompt else first, end=last)
