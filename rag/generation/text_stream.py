"""Streaming of generated text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TextStream:
    """Passes on what a growing list of tokens adds to the text. Incomplete characters wait for their other bytes."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, on_text: Callable[[str], None] | None):
        self._tokenizer, self._on_text, self._shown = tokenizer, on_text, ""

    def push(self, ids: list[int], last: bool = False) -> None:
        """Pass on the new text of all ids so far; with `last`, incomplete characters too."""
        if not self._on_text:
            return
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        if text != self._shown and (last or not text.endswith("\ufffd")):
            self._on_text(text[len(self._shown) :])
            self._shown = text
