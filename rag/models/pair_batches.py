"""Pairs of texts in batches of about one length, so that little is computed for padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerBase

MAX_TOKENS = 192  # of both texts: a question, an answer and a chunk of 520 characters under its headings
# Pairs read at once. On a CPU, batches of 2 to 10 of about one length cost up to a quarter less than one of 20.
BATCH, BATCH_CUDA = 8, 128


def tokenize_pairs(tokenizer: PreTrainedTokenizerBase, first: list[str], second: list[str]) -> BatchEncoding:
    """Tokenize each text with its partner, the longer one cut off at MAX_TOKENS, without padding, with offsets."""
    return tokenizer(first, second, truncation="longest_first", max_length=MAX_TOKENS, return_offsets_mapping=True)


def batches(
    tokenizer: PreTrainedTokenizerBase, pairs: BatchEncoding, device: str
) -> Iterator[tuple[list[int], BatchEncoding]]:
    """Yield batches, the longest pairs first: the pairs' positions, and the model's inputs on the device."""
    size = batch_size(device)
    names = [name for name in pairs if name != "offset_mapping"]
    longest_first = sorted(range(len(pairs["input_ids"])), key=lambda n: -len(pairs["input_ids"][n]))
    for at in range(0, len(longest_first), size):
        positions = longest_first[at : at + size]
        of_batch = {name: [pairs[name][n] for n in positions] for name in names}
        yield positions, tokenizer.pad(of_batch, return_tensors="pt").to(device)


def batch_size(device: str) -> int:
    """Return how many pairs are read at once."""
    return BATCH_CUDA if device.startswith("cuda") else BATCH
