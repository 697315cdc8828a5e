"""Whether the passages cited support each sentence of an answer: by its words, and by a model that reads or compares meanings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from rag.answering.grounding import MIN_SUPPORT, support
from rag.core.sections import ModelSettings
from rag.core.sentences import sentence_spans
from rag.core.settings import Settings
from rag.factory import open_reranker, open_shipped_reranker
from rag.models.cross_encoder import Reranker


class SupportModel(Protocol):
    """Scores claims against evidence; from `threshold` on, the evidence counts as bearing the claim out."""

    name: str
    threshold: float

    def scores(self, pairs: list[tuple[str, str]]) -> list[float]: ...


class CrossEncoderSupport:
    """A cross-encoder's score. The shipped one has its threshold from held-out pairs of its training data, never from the labelled answers."""

    def __init__(self, reranker: Reranker):
        self.name, self.threshold, self._reranker = f"cross-encoder {reranker.name}", reranker.threshold, reranker

    def scores(self, pairs: list[tuple[str, str]]) -> list[float]:
        return self._reranker.score_pairs(pairs)


def open_support_model(settings: Settings) -> SupportModel:
    """-> the cross-encoder that model.reranker names, or the shipped one; never a promoted one, so that figures before and after promotion compare."""
    named = settings.section(ModelSettings).reranker not in ("", "auto")
    return CrossEncoderSupport((open_reranker(settings) if named else None) or open_shipped_reranker(settings))


def answer_sentences(row: dict[str, Any]) -> list[str]:
    """-> the sentences of an answer, each to be supported on its own (RAGAS's faithfulness, arXiv 2309.15217, without a model to split them)."""
    return [row["text"][start:end] for start, end in sentence_spans(row["text"])]


@dataclass(frozen=True)
class CitedPassage:
    """A cited passage: its text, and the headings that it stands under."""

    text: str
    headings: str


def lexical_support(claim: str, passage: CitedPassage) -> tuple[float, str]:
    """-> how much of the claim's words the passage's best sentence holds, 0.0 if it lacks one of the claim's numbers (rag.answering.grounding.support); and that
    sentence."""
    return max(
        ((support(claim, passage.text[s:e]), passage.text[s:e]) for s, e in sentence_spans(passage.text)),
        default=(0.0, ""),
    )


def add_support(rows: list[dict[str, Any]], cited: list[list[CitedPassage]], meaning: SupportModel) -> None:
    """Give each answered row "support": for each of its sentences the share of its words that the cited passages' best sentence holds, the meaning's
    score of question and sentence against that evidence under its headings, and whether both suffice. "40 tonnes" alone claims nothing; with its
    question it does."""
    found: list[tuple[dict[str, Any], list[tuple[str, str]]]] = []
    for row, passages in zip(rows, cited, strict=True):
        if row.get("error") or row["refused"]:
            continue
        row["support"] = []
        for sentence in answer_sentences(row):
            best = [lexical_support(sentence, passage) for passage in passages]
            claim = {"sentence": sentence, "lexical": round(max((words for words, _ in best), default=0.0), 4)}
            row["support"].append(claim)
            found.append(
                (
                    claim,
                    [
                        (f"{row['question']} {sentence}", f"{p.headings}\n{text}")
                        for p, (_, text) in zip(passages, best, strict=True)
                    ],
                )
            )
    scores = iter(meaning.scores([pair for _, pairs in found for pair in pairs]))
    for claim, pairs in found:
        claim["meaning"] = round(max((next(scores) for _ in pairs), default=0.0), 4)
        claim["supported"] = claim["lexical"] >= MIN_SUPPORT and claim["meaning"] >= meaning.threshold
