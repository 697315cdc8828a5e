"""The span selector: which proposed span is the answer, and with what confidence.

Generator and span scorer are weighed by logistic regression: one model selects a span, one says how likely the
selected span is right (Platt scaling, 1999, with several scores). Both are fitted on questions that neither was
trained on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.answering.commands import whole_command
from rag.answering.confidence import Recalibration
from rag.answering.excluded_spans import without_opposites
from rag.answering.grounding import Citation, cite
from rag.answering.negation import negation_mismatch
from rag.core.errors import ModelError
from rag.core.text_metrics import token_f1
from rag.generation.span_search import Span
from rag.generation.span_tree import SpanPlace
from rag.models.span_scorer import SpanScorer, SpanScores
from rag.retrieval.passage import Passage

SHIPPED = Path(__file__).parents[1] / "weights" / "span_selector.json"
EXCLUDED = 0.02  # probability at most where no span is possible: none of 43 on benches was right (eval/LOG.md)
PLACES_PER_SPAN = 2  # occurrences of one span that compete at most; more of a common word would crowd out other spans


@dataclass(frozen=True)
class SelectorWeights:
    """Weights of a logistic regression: how likely a span is right.

    Selection uses the first three only; the last two did not help it (eval/LOG.md) and are 0 there.
    """

    intercept: float
    logprob: float
    span_score: float
    negation_mismatch: float = 0.0
    expected_f1: float = 0.0

    def logit(
        self, logprob: float, span_score: float, negation_mismatch: bool = False, expected_f1: float = 0.0
    ) -> float:
        """Return the logit of the probability that the span is right.

        logprob: the generator's natural log-probability of the span. span_score: the span scorer's. negation_mismatch:
        whether the question has a negation that the sentence lacks. expected_f1: how far the other spans agree, 0 to 1.
        """
        return (
            self.intercept
            + self.logprob * logprob
            + self.span_score * span_score
            + self.negation_mismatch * negation_mismatch
            + self.expected_f1 * expected_f1
        )


@dataclass(frozen=True)
class SelectedSpan:
    """The selected span, the sentence around it as its citation, and the probability that it is right."""

    text: str
    citation: Citation
    probability: float


class SpanSelector:
    """Selects one of the spans that generator and span scorer propose."""

    def __init__(
        self,
        scorer: SpanScorer,
        selection: SelectorWeights,
        confidence: SelectorWeights,
        recalibration: Recalibration | None = None,
    ):
        """selection: the weights that select a span. confidence: the weights that say how likely it is right.

        recalibration: of the confidence, for a generator that the weights were not fitted on; None for none.
        """
        self.scorer, self.selection, self.confidence = scorer, selection, confidence
        self.recalibration = recalibration or Recalibration()

    def score(self, question: str, passages: list[Passage]) -> list[SpanScores]:
        """Return the span scorer's scores for each passage; those that were read for their order are not read again."""
        unread = [passage for passage in passages if passage.reading is None]
        scores = iter(self.scorer.score(question, [passage.chunk.search_text for passage in unread]))
        return [passage.reading or next(scores) for passage in passages]

    def select(
        self, question: str, spans: list[Span], passages: list[Passage], scores: list[SpanScores]
    ) -> SelectedSpan | None:
        """Return the span that is most likely the answer, None if there is no span.

        scores: those that `score` returned for the passages.
        """
        places = [(span, place) for span in spans for place in span.places[:PLACES_PER_SPAN]]
        if not places:
            return None
        span_scores = [_span_score(place, passages, scores) for _, place in places]
        logits = [
            self.selection.logit(span.logprob, score) for (span, _), score in zip(places, span_scores, strict=True)
        ]
        chunks = [passage.chunk for passage in passages]
        possible = without_opposites(question, [place for _, place in places], chunks, logits)
        kept = possible or range(len(places))
        places, span_scores, logits = (
            [places[n] for n in kept],
            [span_scores[n] for n in kept],
            [logits[n] for n in kept],
        )
        best = max(range(len(places)), key=lambda n: logits[n])
        span, place = places[best]
        chunk = passages[place.passage - 1].chunk
        texts = [p.text(passages[p.passage - 1].chunk) for _, p in places]
        logit = self.confidence.logit(
            span.logprob,
            span_scores[best],
            negation_mismatch(question, chunk.text[slice(*place.sentence)]),
            expected_f1(texts, logits, best),
        )
        probability = self.recalibration.apply(sigmoid(logit))
        if not possible:
            probability = min(probability, EXCLUDED)
        place = whole_command(question, place, chunk)
        return SelectedSpan(
            place.text(chunk), cite(chunk, place.passage, *place.sentence, (place.start, place.end)), probability
        )


def read_weights(path: Path = SHIPPED) -> tuple[SelectorWeights, SelectorWeights]:
    """Return the selection weights and the confidence weights.

    Raises ModelError when the file is not one of this version.
    """
    with _translated_errors(path):
        weights = json.loads(path.read_text(encoding="utf-8"))
        return SelectorWeights(**weights["selection"]), SelectorWeights(**weights["confidence"])


def read_base_recalibration(path: Path = SHIPPED) -> Recalibration:
    """Return the recalibration for the base model without an adapter; the identity where none was fitted.

    Raises ModelError as `read_weights` does.
    """
    with _translated_errors(path):
        return Recalibration(**json.loads(path.read_text(encoding="utf-8")).get("base", {}))


@contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} holds no weights of this version ({error}): git checkout {path}, or make span-selector BENCH=..."
        ) from error


def sigmoid(logit: float) -> float:
    """Return the probability that belongs to a logit."""
    return 1 / (1 + math.exp(-max(logit, -500.0)))


def expected_f1(texts: list[str], logits: list[float], chosen: int) -> float:
    """Return the token F1 to be expected of the chosen text, from 0 to 1.

    Each text is taken to be the right answer with the softmax of its logit. Minimum Bayes risk decoding (Kumar and
    Byrne, 2004) selects by this value; here it helps the confidence but not the selection.
    """
    weights = [math.exp(logit - max(logits)) for logit in logits]
    total = sum(weight * token_f1(text, [texts[chosen]]) for weight, text in zip(weights, texts, strict=True))
    return total / sum(weights)


def _span_score(place: SpanPlace, passages: list[Passage], scores: list[SpanScores]) -> float:
    chunk = passages[place.passage - 1].chunk
    start, end = chunk.search_offset(place.start), chunk.search_offset(place.end)
    return scores[place.passage - 1].span_score(start, end)
