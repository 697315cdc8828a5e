"""Whether the passages cited support each sentence of an answer: by its words, and by a model that reads or compares meanings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rag.embedder import Embedder
from rag.grounding import SUPPORT, sentences, support
from rag.pipeline import open_embedder, open_reranker
from rag.reranker import Reranker
from rag.settings import Settings


class Meaning(Protocol):
    """Scores claims against evidence; from `threshold` on, the evidence counts as bearing the claim out."""

    name: str
    threshold: float

    def scores(self, pairs: list[tuple[str, str]]) -> list[float]: ...


class ByCrossEncoder:
    """The configured cross-encoder's probability."""

    threshold = 0.5

    def __init__(self, reranker: Reranker):
        self.name, self._reranker = f"cross-encoder {reranker.name}", reranker

    def scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        return self._reranker.score_pairs(pairs)


class ByEmbedding:
    """The cosine of claim and evidence, where no cross-encoder is configured. threshold: the best balanced accuracy (0.70) on 700 pairs made of XQuAD's
    questions, right answers against wrong spans, each with the sentence that it stands in; not chosen on the labelled answers."""

    threshold = 0.625

    def __init__(self, embedder: Embedder):
        self.name, self._embedder = "embedding cosine", embedder

    def scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        claims, evidence = (self._embedder.passages([pair[side] for pair in pairs]) for side in (0, 1))
        return np.einsum("ij,ij->i", claims, evidence).tolist()


def open_meaning(settings: Settings) -> Meaning:
    reranker = open_reranker(settings)
    return ByCrossEncoder(reranker) if reranker else ByEmbedding(open_embedder(settings))


def claims(row: dict[str, Any]) -> list[str]:
    """-> the sentences of an answer, each to be supported on its own (RAGAS's faithfulness, arXiv 2309.15217, without a model to split them)."""
    return [row["text"][start:end] for start, end in sentences(row["text"])]


@dataclass(frozen=True)
class Cited:
    """A cited passage: its text, and the headings that it stands under."""

    text: str
    headings: str


def lexical(claim: str, passage: Cited) -> tuple[float, str]:
    """-> how much of the claim's words the passage's best sentence holds, 0.0 if it lacks one of the claim's numbers (rag.grounding.support); and that
    sentence."""
    return max(((support(claim, passage.text[s:e]), passage.text[s:e]) for s, e in sentences(passage.text)), default=(0.0, ""))


def add_support(rows: list[dict[str, Any]], cited: list[list[Cited]], meaning: Meaning) -> None:
    """Give each answered row "support": for each of its sentences the share of its words that the cited passages' best sentence holds, the meaning's
    score of question and sentence against that evidence under its headings, and whether both suffice. "40 tonnes" alone claims nothing; with its
    question it does."""
    found: list[tuple[dict[str, Any], list[tuple[str, str]]]] = []
    for row, passages in zip(rows, cited, strict=True):
        if row.get("error") or row["refused"]:
            continue
        row["support"] = []
        for sentence in claims(row):
            best = [lexical(sentence, passage) for passage in passages]
            claim = {"sentence": sentence, "lexical": round(max((words for words, _ in best), default=0.0), 4)}
            row["support"].append(claim)
            found.append((claim, [(f"{row['question']} {sentence}", f"{p.headings}\n{text}") for p, (_, text) in zip(passages, best, strict=True)]))
    scores = iter(meaning.scores([pair for _, pairs in found for pair in pairs]))
    for claim, pairs in found:
        claim["meaning"] = round(max((next(scores) for _ in pairs), default=0.0), 4)
        claim["supported"] = claim["lexical"] >= SUPPORT and claim["meaning"] >= meaning.threshold
