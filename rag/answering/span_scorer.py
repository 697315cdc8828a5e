"""The span scorer: where in a passage an answer starts and ends (Devlin et al., arXiv 1810.04805, section 4.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.chunk import Chunk
from rag.generation.span_tree import SpanNode, SpanPlace, walk_tree
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel
from rag.models.weight_delta import DELTA_FILE, apply_delta, check_delta

if TYPE_CHECKING:
    import torch
    from transformers import BatchEncoding, PreTrainedModel, PreTrainedTokenizerBase

SHIPPED = Path(__file__).parents[1] / "weights" / "span_scorer"
TOP_SPANS = 2  # spans proposed; with six the same span is selected, and each costs a forward pass (eval/LOG.md)
MAX_TOKENS = 192  # tokens of a question and a chunk of 520 characters under its headings

TokenOffset = tuple[int, tuple[int, int]]  # position in the row, and (start, end) of its characters in the text


@dataclass(frozen=True)
class SpanScores:
    """The start and end score of each token of one passage.

    A score is the token's logit less the logit of "no answer here" (the [CLS] token, as for SQuAD 2.0). `offsets` are
    the tokens' (start, end) characters in the text that was scored. Where truncation cut the text off before a
    character, its score is that of the least likely token.
    """

    offsets: list[tuple[int, int]]
    start_scores: list[float]
    end_scores: list[float]

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
        inputs, offsets = encode_pairs(self._tokenizer, [question] * len(texts), texts)
        with torch.inference_mode():
            out = self._model(**inputs.to(self._device))
        starts, ends = out.start_logits.float().cpu(), out.end_logits.float().cpu()
        return [_span_scores(tokens, starts[row], ends[row]) for row, tokens in enumerate(offsets)]


def best_span_paths(tree: SpanNode, scores: list[SpanScores], chunks: list[Chunk]) -> list[tuple[int, ...]]:
    """Return the token paths of the TOP_SPANS spans in the tree with the highest scores.

    `scores` belong to the chunks' `search_text`, one for each chunk.
    """
    spans = [(path, place) for path, node in walk_tree(tree) for place in node.places]
    offset = [chunk.search_offset for chunk in chunks]
    starts = {(p.passage, p.start) for _, p in spans}  # each scored once: thousands of spans share few starts and ends
    ends = {(p.passage, p.end) for _, p in spans}
    start_scores = {(n, at): scores[n - 1].start_score(offset[n - 1](at)) for n, at in starts}
    end_scores = {(n, at): scores[n - 1].end_score(offset[n - 1](at)) for n, at in ends}

    def span_score(span: tuple[tuple[int, ...], SpanPlace]) -> float:
        place = span[1]
        return start_scores[place.passage, place.start] + end_scores[place.passage, place.end]

    spans.sort(key=span_score, reverse=True)
    return list(dict.fromkeys(path for path, _ in spans))[:TOP_SPANS]


def load_span_model(model: LocalModel, dtype: torch.dtype, **settings: object) -> PreTrainedModel:
    """Load the encoder with two new, untrained outputs for each token."""
    from transformers import AutoModelForQuestionAnswering

    return AutoModelForQuestionAnswering.from_pretrained(model.path, dtype=dtype, local_files_only=True, **settings)


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase, questions: list[str], texts: list[str]
) -> tuple[BatchEncoding, list[list[TokenOffset]]]:
    """Tokenize each question with its text into one batch.

    Also return, for each text, the tokens that belong to it rather than to the question.
    """
    inputs = tokenizer(
        questions,
        texts,
        truncation="longest_first",
        max_length=MAX_TOKENS,
        padding=True,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    offsets = inputs.pop("offset_mapping").tolist()
    text_tokens = [
        [(n, tuple(offsets[row][n])) for n, part in enumerate(inputs.sequence_ids(row)) if part == 1]
        for row in range(len(texts))
    ]
    return inputs, text_tokens


def _span_scores(tokens: list[TokenOffset], starts: torch.Tensor, ends: torch.Tensor) -> SpanScores:
    at = [n for n, _ in tokens]
    offsets = [characters for _, characters in tokens]
    return SpanScores(offsets, (starts - starts[0])[at].tolist(), (ends - ends[0])[at].tolist())
