"""The span scorer: where in a passage an answer starts and ends (Devlin et al., arXiv 1810.04805, section 4.2)."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.models.device import computes_bfloat16
from rag.models.pair_batches import batches, tokenize_pairs
from rag.models.resolve import LocalModel
from rag.models.weight_delta import DELTA_FILE, apply_delta, check_delta

if TYPE_CHECKING:
    import torch
    from transformers import BatchEncoding, PreTrainedModel

WEIGHTS = Path(__file__).parents[1] / "weights"
SHIPPED, LARGE = WEIGHTS / "span_scorer", WEIGHTS / "large_span_scorer"
LARGE_MODEL = "all-mpnet-base-v2"
LONGEST_SPAN = 30  # tokens

TokenOffset = tuple[int, tuple[int, int]]  # position in the row, and (start, end) of its characters in the text


@dataclass(frozen=True)
class ScoredSpan:
    """The characters from start to end of a text, and the span's score."""

    score: float
    start: int
    end: int


@dataclass(frozen=True)
class SpanScores:
    """The start and end score of each token of one passage.

    A score is the token's logit less the logit of "no answer here" (the [CLS] token, as for SQuAD 2.0). `offsets` are
    the tokens' (start, end) characters in the text that was scored. Where truncation cut the text off before a
    character, its score is that of the least likely token. scorer: the digest of the span scorer's weights.
    """

    offsets: list[tuple[int, int]]
    start_scores: list[float]
    end_scores: list[float]
    scorer: str = ""

    def start_score(self, start: int) -> float:
        """Return how likely the answer starts at this character."""
        tokens = zip(self.offsets, self.start_scores, strict=True)
        return next((score for (_, last), score in tokens if start < last), min(self.start_scores, default=0.0))

    def end_score(self, end: int) -> float:
        """Return how likely the answer ends before this character."""
        tokens = zip(self.offsets, self.end_scores, strict=True)
        return next((score for (_, last), score in tokens if end <= last), min(self.end_scores, default=0.0))

    def span_score(self, start: int, end: int) -> float:
        """Return how likely these characters are the answer: the start score plus the end score."""
        return self.start_score(start) + self.end_score(end)

    def best_span(self) -> ScoredSpan:
        """Return the likeliest span of up to LONGEST_SPAN tokens; its score says how well the passage answers."""
        best = ScoredSpan(-math.inf, 0, 0)
        for first, start_score in enumerate(self.start_scores):
            ends = self.end_scores[first : first + LONGEST_SPAN]
            last = max(range(len(ends)), key=lambda n: ends[n])
            if start_score + ends[last] > best.score:
                span = self.offsets[first][0], self.offsets[first + last][1]
                best = ScoredSpan(start_score + ends[last], *span)
        return best


class SpanScorer:
    """An encoder with a start and an end logit for each token."""

    def __init__(self, model: LocalModel, device: str, delta: Path = SHIPPED):
        """Load the encoder with the weight delta in the folder `delta`.

        Raises ModelError when the delta was trained on another model.
        """
        import torch
        from transformers import AutoTokenizer

        check_delta(delta, model)
        self.digest = hashlib.sha256((delta / DELTA_FILE).read_bytes()).hexdigest()
        self._tokenizer, self._device = AutoTokenizer.from_pretrained(model.path, local_files_only=True), device
        self._model = load_span_model(model, torch.bfloat16 if computes_bfloat16(device) else torch.float32)
        apply_delta(self._model, delta)
        self._model.to(device).eval()

    def score(self, question: str, texts: list[str]) -> list[SpanScores]:
        """Return the scores of each text's tokens as start and end of the answer to the question."""
        import torch

        if not texts:
            return []
        pairs = tokenize_pairs(self._tokenizer, [question] * len(texts), texts)
        found: dict[int, SpanScores] = {}
        for positions, inputs in batches(self._tokenizer, pairs, self._device):
            with torch.inference_mode():
                out = self._model(**inputs)
            starts, ends = out.start_logits.float().cpu(), out.end_logits.float().cpu()
            for row, n in enumerate(positions):
                found[n] = _span_scores(text_tokens(pairs, n), starts[row], ends[row], self.digest)
        return [found[n] for n in range(len(texts))]


def load_span_model(model: LocalModel, dtype: torch.dtype, **settings: object) -> PreTrainedModel:
    """Load the encoder with two new, untrained outputs for each token."""
    from transformers import AutoModelForQuestionAnswering

    return AutoModelForQuestionAnswering.from_pretrained(model.path, dtype=dtype, local_files_only=True, **settings)


def text_tokens(pairs: BatchEncoding, row: int) -> list[TokenOffset]:
    """Return the tokens of one pair that belong to its second text."""
    offsets = pairs["offset_mapping"][row]
    return [(n, tuple(offsets[n])) for n, part in enumerate(pairs.sequence_ids(row)) if part == 1]


def _span_scores(tokens: list[TokenOffset], starts: torch.Tensor, ends: torch.Tensor, scorer: str) -> SpanScores:
    at = [n for n, _ in tokens]
    offsets = [characters for _, characters in tokens]
    return SpanScores(offsets, (starts - starts[0])[at].tolist(), (ends - ends[0])[at].tolist(), scorer)
