"""From what the generator said to what is shown: citations only of passages shown, quotes literal, no support means refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize
from rag.generation.prompt import ParsedAnswer
from rag.retrieval.retriever import Passage

SUPPORT = 0.6  # share of the answer's words that the quoted sentence must contain


@dataclass(frozen=True)
class Citation:
    """Evidence for an answer. passage: number among the passages shown (from 1). start, end: characters of `quote` in the document's text."""

    passage: int
    document: str
    start: int
    end: int
    quote: str
    headings: tuple[str, ...]
    page: int | None


def ground(parsed: ParsedAnswer, passages: list[Passage]) -> list[Citation]:
    """-> a citation for each cited passage that supports the text; if none does, for the shown passage that supports it best; else [].

    A passage supports the text when one of its sentences holds every number and at least SUPPORT of the words of the text.
    """
    if parsed.refused or not parsed.text:
        return []
    cited = [n for n in parsed.cited if 1 <= n <= len(passages)]
    found = [c for n in cited if (c := _cite(parsed.text, n, passages[n - 1]))]
    if found:
        return [citation for _, citation in found]
    others = [
        c for n in range(1, len(passages) + 1) if n not in cited and (c := _cite(parsed.text, n, passages[n - 1]))
    ]
    return [max(others, key=lambda pair: pair[0])[1]] if others else []


def _cite(text: str, number: int, passage: Passage) -> tuple[float, Citation] | None:
    chunk = passage.chunk
    best = max(((support(text, chunk.text[s:e]), -s, e) for s, e in sentence_spans(chunk.text)), default=(0.0, 0, 0))
    score, start, end = best[0], -best[1], best[2]
    if score < SUPPORT:
        return None
    citation = Citation(
        number,
        chunk.document,
        chunk.start + start,
        chunk.start + end,
        chunk.text[start:end],
        chunk.headings,
        chunk.page,
    )
    return score, citation


def support(text: str, sentence: str) -> float:
    """Share of the text's distinct normalized words that stand in the sentence; 0.0 when one of its numbers does not."""
    wanted, there = set(normalize(text).split()), set(normalize(sentence).split())
    if (
        not wanted
        or _numbers(text) - _numbers(sentence)
        or any(any(ch.isdigit() for ch in word) for word in wanted - there)
    ):
        return 0.0
    return len(wanted & there) / len(wanted)


def _numbers(text: str) -> set[str]:
    """Numbers with their points and colons, which normalization takes out: 1.5 is not 15."""
    return {number.replace(",", "") for number in re.findall(r"\d+(?:[.,:]\d+)*", text)}
