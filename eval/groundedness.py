"""Whether the passages cited support each sentence of an answer: by its words, and by the cross-encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from rag.grounding import SUPPORT, sentences, support

ENTAILED = 0.5  # the cross-encoder's probability from which a passage counts as supporting a claim


class CrossEncoder(Protocol):
    def score_pairs(self, pairs: list[tuple[str, str]]) -> list[float]: ...


def claims(row: dict[str, Any]) -> list[str]:
    """-> the sentences of an answer, each to be supported on its own (RAGAS's faithfulness, arXiv 2309.15217, without a model to split them)."""
    return [row["text"][start:end] for start, end in sentences(row["text"])]


def lexical(claim: str, passages: list[str]) -> float:
    """-> how much of the claim's words the best sentence of the passages holds, 0.0 if it lacks one of the claim's numbers (rag.grounding.support)."""
    return max((support(claim, text[s:e]) for text in passages for s, e in sentences(text)), default=0.0)


@dataclass(frozen=True)
class Cited:
    """A cited passage: its text, and the same under its headings, which the cross-encoder reads too."""

    text: str
    headed: str


def add_support(rows: list[dict[str, Any]], cited: list[list[Cited]], cross_encoder: CrossEncoder | None) -> None:
    """Give each answered row "support": for each of its sentences the lexical and the cross-encoder's score against the passages that the row
    cites, and whether both hold. The cross-encoder reads the question with the sentence: "40 tonnes" alone claims nothing."""
    found: list[tuple[dict[str, Any], list[tuple[str, str]]]] = []
    for row, passages in zip(rows, cited, strict=True):
        if row.get("error") or row["refused"]:
            continue
        row["support"] = [{"sentence": claim, "lexical": round(lexical(claim, [p.text for p in passages]), 4), "cross_encoder": None} for claim in claims(row)]
        found += [(claim, [(f"{row['question']} {claim['sentence']}", p.headed) for p in passages]) for claim in row["support"]]
    if cross_encoder:
        scores = iter(cross_encoder.score_pairs([pair for _, pairs in found for pair in pairs]))
        for claim, pairs in found:
            claim["cross_encoder"] = round(max((next(scores) for _ in pairs), default=0.0), 4)
    for claim, _ in found:
        claim["supported"] = supported(claim["lexical"], claim["cross_encoder"])


def supported(words: float, entailed: float | None) -> bool:
    return words >= SUPPORT and (entailed is None or entailed >= ENTAILED)
