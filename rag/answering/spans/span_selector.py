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
from typing import TYPE_CHECKING

from rag.answering.spans.confidence import Recalibration
from rag.answering.spans.excluded_spans import without_opposites
from rag.answering.spans.selected_span import SelectedSpan, answer_with
from rag.answering.wording.negation import negation_mismatch
from rag.core.chunk import Chunk
from rag.core.errors import ModelError
from rag.core.text_metrics import token_f1
from rag.generation.span_tree import SpanPlace
from rag.models.span_scorer import SpanScorer, SpanScores
from rag.retrieval.passage import Passage

if TYPE_CHECKING:
    from rag.generation.span_search import Span

WEIGHTS = Path(__file__).parents[2] / "weights"
SHIPPED, LARGE = WEIGHTS / "span_selector.json", WEIGHTS / "large_span_selector.json"
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
class FittedWeights:
    """What a span selector weighs by.

    selection: which span is selected. confidence: how likely it is right. sentence: how likely its sentence has the
    answer, be the span right or not.
    """

    selection: SelectorWeights
    confidence: SelectorWeights
    sentence: SelectorWeights


@dataclass(frozen=True)
class _Candidate:
    """One place of a proposed span. logprob: the generator's. score: the span scorer's. logit: of its selection."""

    place: SpanPlace
    logprob: float
    score: float
    logit: float


class SpanSelector:
    """Selects one of the spans that generator and span scorer propose."""

    def __init__(
        self,
        scorer: SpanScorer,
        weights: FittedWeights,
        recalibration: Recalibration | None = None,
    ):
        """recalibration: of the confidence, for a generator that the weights were not fitted on; None for none."""
        self.scorer, self.weights = scorer, weights
        self.recalibration = recalibration or Recalibration()

    def score(self, question: str, passages: list[Passage]) -> list[SpanScores]:
        """Return the span scorer's scores for each passage; what it has read for the order is not read again."""
        known = [p.reading if p.reading and p.reading.scorer == self.scorer.digest else None for p in passages]
        unread = [p.chunk.search_text for p, reading in zip(passages, known, strict=True) if reading is None]
        scores = iter(self.scorer.score(question, unread))
        return [reading or next(scores) for reading in known]

    def select(
        self, question: str, spans: list[Span], passages: list[Passage], scores: list[SpanScores]
    ) -> SelectedSpan | None:
        """Return the span that is most likely the answer, None if there is no span.

        scores: those that `score` returned for the passages.
        """
        chunks = [passage.chunk for passage in passages]
        found = [
            self._candidate(span, place, chunks, scores) for span in spans for place in span.places[:PLACES_PER_SPAN]
        ]
        if not found:
            return None
        logits = [candidate.logit for candidate in found]
        possible = without_opposites(question, [candidate.place for candidate in found], chunks, logits)
        found = [found[n] for n in possible] or found
        best = max(range(len(found)), key=lambda n: found[n].logit)
        return self._selected(question, found, best, chunks, 1.0 if possible else EXCLUDED)

    def _candidate(self, span: Span, place: SpanPlace, chunks: list[Chunk], scores: list[SpanScores]) -> _Candidate:
        chunk, reading = chunks[place.passage - 1], scores[place.passage - 1]
        score = reading.span_score(chunk.search_offset(place.start), chunk.search_offset(place.end))
        return _Candidate(place, span.logprob, score, self.weights.selection.logit(span.logprob, score))

    def _selected(
        self, question: str, found: list[_Candidate], best: int, chunks: list[Chunk], most: float
    ) -> SelectedSpan:
        """Return the best candidate. most: the probability that it may have."""
        chosen = found[best]
        chunk = chunks[chosen.place.passage - 1]
        texts = [candidate.place.text(chunks[candidate.place.passage - 1]) for candidate in found]
        features = (
            chosen.logprob,
            chosen.score,
            negation_mismatch(question, chunk.text[slice(*chosen.place.sentence)]),
            expected_f1(texts, [candidate.logit for candidate in found], best),
        )
        probability = self.recalibration.apply(sigmoid(self.weights.confidence.logit(*features)))
        in_sentence = sigmoid(self.weights.sentence.logit(*features))
        return answer_with(question, chunk, chosen.place, min(most, probability), min(most, in_sentence))


def read_weights(path: Path = SHIPPED) -> FittedWeights:
    """Return the weights that are kept in a file.

    Raises ModelError when the file is not one of this version.
    """
    with _translated_errors(path):
        weights = json.loads(path.read_text(encoding="utf-8"))
        return FittedWeights(*(SelectorWeights(**weights[name]) for name in ("selection", "confidence", "sentence")))


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
