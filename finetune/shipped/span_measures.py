"""How well the span scorer answers alone, on questions about held-out documents, set by set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from finetune.shipped.span_examples import SpanExample
from rag.core.text_metrics import token_f1
from rag.models.span_scorer import SpanScorer


@dataclass(frozen=True)
class SpanMeasures:
    """What the span scorer does with the questions of one set.

    questions: how many. f1: mean token F1 of the best span of all texts read, over answered questions. auc: of the best
    score, answered questions against those without an answer; None where there are none of one kind. own_first: share
    of the answered questions whose own text has the best span.
    """

    questions: int
    f1: float
    auc: float | None
    own_first: float

    def as_dict(self) -> dict[str, float | None]:
        """Return the measures, rounded, as JSON keeps them."""
        return {name: value and round(value, 3) for name, value in asdict(self).items()}


def measure_span_scorer(scorer: SpanScorer, examples: Sequence[SpanExample]) -> SpanMeasures:
    """Read each question's texts and measure the best span of them."""
    found: dict[bool, list[tuple[float, float, bool]]] = {True: [], False: []}
    for example in examples:
        readings = scorer.score(example.question, list(example.texts))
        spans = [reading.best_span() for reading in readings]
        best = max(range(len(spans)), key=lambda n: spans[n].score)
        text = example.texts[best][spans[best].start : spans[best].end]
        wanted = [example.texts[0][slice(*example.span)]] if example.span else []
        f1 = token_f1(text, wanted) if wanted else 0.0
        found[bool(wanted)].append((spans[best].score, f1, best == 0))
    answered, others = (np.array(found[kind], float).reshape(-1, 3) for kind in (True, False))
    auc = float(np.mean(answered[:, :1] > others[:, 0])) if len(answered) and len(others) else None
    f1, first = (float(answered[:, column].mean()) if len(answered) else 0.0 for column in (1, 2))
    return SpanMeasures(len(examples), f1, auc, first)
