"""Where the sentences of a text begin and end."""

from __future__ import annotations

import re

# Between two sentences is: space after a full stop, question or exclamation mark (and closing quotes), where a capital
# letter, number or list mark follows; an empty line; or the end of a line before a list item or table row.
_GAP = re.compile(
    r"""(?<=[.!?])["'”’)]*\s+(?=["'“‘(]?[A-Z0-9£$€*])"""
    r"""|\n\s*\n"""
    r"""|\n(?=\s*(?:[-*•|#]|\d+[.)]|[^\n:;]{1,40}: [^\n;]*; ))"""
    r"""|$"""
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence, list item or table row, without the space around it."""
    spans, start = [], 0
    for gap in _GAP.finditer(text):
        piece = text[start : gap.start()]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            spans.append((left, left + len(piece.strip())))
        start = gap.end()
    return spans
