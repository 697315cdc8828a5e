"""Citations for generated text: only of passages shown and with literal quotes, or none if no passage supports it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize
from rag.generation.prompt import ParsedAnswer
from rag.retrieval.retriever import Passage

MIN_SUPPORT = 0.6  # share of the answer's words that the quoted sentence must contain


@dataclass(frozen=True)
class Citation:
    """The evidence for an answer.

    passage: its number among the passages shown, from 1. start, end: the characters of `quote` in the document's text.
    """

    passage: int
    document: str
    start: int
    end: int
    quote: str
    headings: tuple[str, ...]
    page: int | None


def cite(chunk: Chunk, passage: int, start: int, end: int) -> Citation:
    """Return the citation of the chunk's characters from `start` to `end`, shown as passage number `passage`."""
    first, last = chunk.start + start, chunk.start + end
    return Citation(passage, chunk.document, first, last, chunk.text[start:end], chunk.headings, chunk.page)


def ground(answer: ParsedAnswer, passages: list[Passage]) -> list[Citation]:
    """Return a citation for each cited passage that supports the answer.

    If none of them does, the one passage shown that supports it best is cited; if no passage does, the list is empty. A
    passage supports the answer if one of its sentences has every number and at least MIN_SUPPORT of the words.
    """
    if answer.refused or not answer.text:
        return []
    cited = [n for n in answer.cited if 1 <= n <= len(passages)]
    found = [best for n in cited if (best := _best_sentence(answer.text, n, passages[n - 1].chunk))]
    if found:
        return [citation for _, citation in found]
    others = [n for n in range(1, len(passages) + 1) if n not in cited]
    found = [best for n in others if (best := _best_sentence(answer.text, n, passages[n - 1].chunk))]
    return [max(found, key=lambda pair: pair[0])[1]] if found else []


def _best_sentence(text: str, number: int, chunk: Chunk) -> tuple[float, Citation] | None:
    """Return the support and the citation of the passage's best sentence, None if no sentence supports the text."""
    scored = [(support(text, chunk.text[start:end]), start, end) for start, end in sentence_spans(chunk.text)]
    score, start, end = max(scored, key=lambda s: (s[0], -s[1], s[2]), default=(0.0, 0, 0))
    return (score, cite(chunk, number, start, end)) if score >= MIN_SUPPORT else None


def support(text: str, sentence: str) -> float:
    """Return the share of the text's distinct words that are in the sentence; 0.0 if one of its numbers is not."""
    wanted, present = set(normalize(text).split()), set(normalize(sentence).split())
    missing = wanted - present
    if not wanted or _numbers(text) - _numbers(sentence) or any(ch.isdigit() for word in missing for ch in word):
        return 0.0
    return len(wanted & present) / len(wanted)


def _numbers(text: str) -> set[str]:
    """Return the numbers with their points and colons, which normalization removes: 1.5 is not 15."""
    return {number.replace(",", "") for number in re.findall(r"\d+(?:[.,:]\d+)*", text)}
