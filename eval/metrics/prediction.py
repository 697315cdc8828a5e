"""The format of a prediction, one JSON object a line of NAME.jsonl and NAME.scored.jsonl.

From the question: id, question, answers (empty where the documents do not answer), document, evidence (a list of
document, start and end, in characters), kind, answerable. From the generator: text (the answer or the refusal
sentence), output (the best span with its citation, or what was generated), refused, confidence, answer_probability
(of the best span, also where it was refused; null for generated text), cited (a list of passage, document, start,
end, quote), passages (those shown), tokens (read, written), gold_logprobs (of the gold answer's tokens). Where asking
failed: error, and nothing from the generator. Scoring adds support, measures and part (of the corpus).
"""

from __future__ import annotations

from typing import Any

Prediction = dict[str, Any]
