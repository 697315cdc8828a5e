"""Confidence calibrated for the generator that is served, so that one threshold means the same for every generator.

The span selector's confidence weights are fitted for the shipped reader. Another generator scores spans differently:
its confidence is recalibrated by two numbers, fitted on questions that the generator was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.core.errors import DataError
from rag.core.jsonl import json_object, write_lines
from rag.models.registry import CONFIDENCE_FILE

PRIOR_SCALE, PRIOR_OFFSET = 0.5, 1.0  # standard deviations around (1, 0): a few questions should move little
LIMIT = 1e-6  # probabilities are kept this far from 0 and 1, so that their logits are finite


@dataclass(frozen=True)
class Recalibration:
    """Platt scaling of a probability's logit (Platt, 1999): logit(p') = scale * logit(p) + offset.

    questions: how many it was fitted on, 0 for the identity.
    """

    scale: float = 1.0
    offset: float = 0.0
    questions: int = 0

    def apply(self, probability: float) -> float:
        """Return the recalibrated probability."""
        if not self.questions:
            return probability
        return 1 / (1 + math.exp(-max(min(self.scale * _logit(probability) + self.offset, 500.0), -500.0)))

    def save(self, folder: Path) -> None:
        """Write the numbers beside an adapter's weights."""
        write_lines(folder / CONFIDENCE_FILE, [self])


def read_recalibration(folder: Path) -> Recalibration:
    """Read what `Recalibration.save` wrote; the identity where there is no file.

    Raises DataError for a file that holds anything else.
    """
    try:
        found = Recalibration(**json_object((folder / CONFIDENCE_FILE).read_text(encoding="utf-8")))
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in vars(found).values()):
            raise ValueError("not all of it are numbers")
        return found
    except FileNotFoundError:
        return Recalibration()
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{folder / CONFIDENCE_FILE} cannot be read ({error}): make train") from error


def fit_recalibration(probabilities: Sequence[float], right: Sequence[bool]) -> Recalibration:
    """Fit scale and offset on one pair a question: the probability before, and whether the span was right.

    Maximum a posteriori with a Gaussian prior around the identity, so that few questions change little. Returns the
    identity where there is no question.
    """
    import numpy as np
    from scipy.optimize import minimize

    if not probabilities:
        return Recalibration()
    logits, labels = np.array([_logit(p) for p in probabilities]), np.array(right, float)

    def loss(values: np.ndarray) -> float:
        scale, offset = values
        scores = scale * logits + offset
        prior = ((scale - 1) / PRIOR_SCALE) ** 2 + (offset / PRIOR_OFFSET) ** 2
        return float(np.logaddexp(0, scores).sum() - (labels * scores).sum() + prior / 2)

    scale, offset = minimize(loss, [1.0, 0.0], bounds=[(0.01, 10), (-20, 20)]).x
    return Recalibration(round(float(scale), 4), round(float(offset), 4), len(labels))


def _logit(probability: float) -> float:
    kept = min(max(probability, LIMIT), 1 - LIMIT)
    return math.log(kept / (1 - kept))
