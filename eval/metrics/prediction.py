"""The format of a prediction, one JSON object a line of NAME.jsonl and NAME.scored.jsonl.

From the question: id, question, answers (empty where the documents do not answer), document, evidence (a list of
document, start and end, in characters), kind, answerable.

From the generator: text (the answer or the refusal sentence), output (the best span with its citation, or what was
generated), extractive (whether it is a span), refused, answered_by (Answer.kind), confidence, cited (a list of passage,
document, start, end, quote, row and column), passages (those shown), tokens (read and written), gold_logprobs (of the
gold answer's tokens). Where asking failed there is an error instead.

Scoring adds support, measures and part (of the corpus).
"""

from __future__ import annotations

from typing import Any

Prediction = dict[str, Any]
Figures = dict[str, Any]  # measures by name, some in groups, as run.json holds them
