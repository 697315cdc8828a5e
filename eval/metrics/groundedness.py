"""Whether the cited passages support each sentence of an answer: by its words, and by a cross-encoder.

The check agrees with labelled answers no better than calling every answer unsupported does (kappa 0.22; `python -m
eval agreement`). It is a diagnostic, and no verdict rests on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from eval.metrics.prediction import Prediction
from rag.answering.evidence.grounding import MIN_SUPPORT, support
from rag.core.sections import ModelSettings
from rag.core.sentences import sentence_spans
from rag.core.settings import Settings
from rag.encoder_factory import open_reranker, open_shipped_reranker
from rag.models.cross_encoder import CrossEncoder

Pair = tuple[str, str]  # claim, evidence


class SupportModel(Protocol):
    """Scores claims against evidence; at `threshold` and above, the evidence counts as supporting the claim."""

    name: str
    threshold: float

    def scores(self, pairs: list[Pair]) -> list[float]:
        """Return a score for each pair of claim and evidence."""


class CrossEncoderSupport:
    """A cross-encoder's score of claim and evidence.

    The shipped one has its threshold from held-out pairs of its training data, never from the labelled answers.
    """

    def __init__(self, reranker: CrossEncoder):
        self.name, self.threshold, self._reranker = f"cross-encoder {reranker.name}", reranker.threshold, reranker

    def scores(self, pairs: list[Pair]) -> list[float]:
        """Return the cross-encoder's score for each pair."""
        return self._reranker.score_pairs(pairs)


def open_support_model(settings: Settings) -> SupportModel:
    """Open the cross-encoder that model.reranker names, or the shipped one.

    A promoted one is never taken, so that figures from before and after a promotion compare.
    """
    named = settings.section(ModelSettings).reranker not in ("", "auto")
    found = open_reranker(settings) if named else None
    return CrossEncoderSupport(found if isinstance(found, CrossEncoder) else open_shipped_reranker(settings))


def answer_sentences(row: Prediction) -> list[str]:
    """Return the sentences of an answer, each to be supported on its own.

    RAGAS's faithfulness (arXiv 2309.15217) lets a model split the answer into claims; here a sentence is a claim.
    """
    return [row["text"][start:end] for start, end in sentence_spans(row["text"])]


@dataclass(frozen=True)
class CitedPassage:
    """A cited passage: its text, and the headings above it."""

    text: str
    headings: str


def lexical_support(claim: str, passage: CitedPassage) -> tuple[float, str]:
    """Return the share of a claim's words that the passage's best sentence has, and that sentence.

    The share is 0.0 where the sentence lacks one of the claim's numbers (rag.answering.evidence.grounding.support).
    """
    sentences = [passage.text[start:end] for start, end in sentence_spans(passage.text)]
    return max(((support(claim, sentence), sentence) for sentence in sentences), default=(0.0, ""))


def add_support(rows: list[Prediction], cited: list[list[CitedPassage]], model: SupportModel) -> None:
    """Add "support" to each answered prediction: for each of its sentences, whether the cited passages support it.

    cited: the passages that each prediction cites. A sentence has "lexical" (see lexical_support), "meaning" (the
    model's score of question and sentence against the best sentence under its headings) and "supported": both reach
    their thresholds. The question is part of the claim, since "40 tonnes" alone claims nothing.
    """
    claims = [claim for row, passages in zip(rows, cited, strict=True) for claim in _add_claims(row, passages)]
    scores = iter(model.scores([pair for _, pairs in claims for pair in pairs]))
    for claim, pairs in claims:
        claim["meaning"] = round(max((next(scores) for _ in pairs), default=0.0), 4)
        claim["supported"] = claim["lexical"] >= MIN_SUPPORT and claim["meaning"] >= model.threshold


def _add_claims(row: Prediction, passages: list[CitedPassage]) -> Iterator[tuple[dict[str, Any], list[Pair]]]:
    """Yield each claim that is added to the prediction, with the pairs that the model is to score."""
    if row.get("error") or row["refused"]:
        return
    row["support"] = []
    for sentence in answer_sentences(row):
        best = [lexical_support(sentence, passage) for passage in passages]
        claim = {"sentence": sentence, "lexical": round(max((share for share, _ in best), default=0.0), 4)}
        row["support"].append(claim)
        statement = f"{row['question']} {sentence}"
        yield claim, [(statement, f"{p.headings}\n{text}") for p, (_, text) in zip(passages, best, strict=True)]
