"""TODO docstring of rag.core.sentences."""

from __future__ import annotations

import re


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """-> (start, end) of each sentence, list item or table row, without the space around it."""
    spans, start = [], 0
    for gap in re.finditer(
        r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9£$€*])|\n\s*\n|\n(?=\s*(?:[-*•|#]|\d+[.)]|[^\n:;]{1,40}: [^\n;]*; ))|$",
        text,
    ):
        piece = text[start : gap.start()]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            spans.append((left, left + len(piece.strip())))
        start = gap.end()
    return spans
