"""Control tokens that stand in documents or questions, spelt out so that the tokenizer reads them as plain text."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.core.chunk import Chunk
from rag.core.invisible_characters import remove_invisible

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHATML_LIKE = r"<\|[^|<>\s]{0,40}\|>"  # control tokens of many chat formats, whether this tokenizer has them or not


@lru_cache(maxsize=8)
def control_pattern(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """Return a pattern for the tokenizer's special tokens and for all that is spelt like <|this|>."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    special = {token.content for token in added if token.special and len(token.content) > 1}
    longest_first = sorted(special, key=len, reverse=True)
    return re.compile("|".join([CHATML_LIKE, *map(re.escape, longest_first)]))


def escape_control_tokens(text: str, control: re.Pattern[str]) -> str:
    """Put a space after the first character of each control token. Also removes invisible characters."""
    text = remove_invisible(text)  # first: removing a character later could join two halves of a control token
    while control.search(text):
        text = control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text


def escape_passage(passage: Chunk, control: re.Pattern[str]) -> Chunk:
    """Escape the control tokens in all that the prompt shows of a passage: title, headings and text."""
    return replace(
        passage,
        title=escape_control_tokens(passage.title, control),
        headings=tuple(escape_control_tokens(heading, control) for heading in passage.headings),
        text=escape_control_tokens(passage.text, control),
    )
