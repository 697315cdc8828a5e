"""What extractive answers are worth at any threshold: probability and F1 of each best span, shown or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.core.text_metrics import token_f1
from rag.generation.prompt import parse_answer


@dataclass(frozen=True)
class SpanOutcome:
    """The best span for one question.

    probability: the selector's confidence that it is right. f1: token F1 against the acceptable answers, 0 where the
    passages hold no answer.
    """

    probability: float
    f1: float
    answerable: bool

    def squad2_f1(self, threshold: float) -> float:
        """Return F1 over all questions (SQuAD 2.0): a refusal is right where there is no answer."""
        if self.probability < threshold:
            return float(not self.answerable)
        return self.f1


def span_outcome(row: Mapping[str, Any]) -> SpanOutcome:
    """Return the outcome of one line of predictions made with extractive answers.

    A refusal's confidence is one minus the probability of the best span, which the line keeps as its output.
    """
    probability = 1 - row["confidence"] if row["refused"] else row["confidence"]
    answers: Sequence[str] = row["answers"]
    f1 = token_f1(parse_answer(row["output"]).text, list(answers)) if answers else 0.0
    return SpanOutcome(probability, f1, bool(answers))


def right_refusals(outcomes: Sequence[SpanOutcome], threshold: float) -> float:
    """Return the share of the unanswerable questions that are refused at a threshold, 0 where there are none."""
    unanswerable = [outcome for outcome in outcomes if not outcome.answerable]
    return sum(outcome.probability < threshold for outcome in unanswerable) / len(unanswerable) if unanswerable else 0.0


def threshold_for(outcomes: Sequence[SpanOutcome], share: float) -> float:
    """Return the lowest threshold at which at least this share of the unanswerable questions is refused.

    Two generators compared at thresholds of the same share refuse equally well, so that what remains between them is
    how well they answer.
    """
    probabilities = sorted(outcome.probability for outcome in outcomes if not outcome.answerable)
    needed = math.ceil(share * len(probabilities) - 1e-9)
    return math.nextafter(probabilities[needed - 1], math.inf) if needed else 0.0
