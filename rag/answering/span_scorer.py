"""Where an answer begins and ends in a passage, as an encoder sees it: extractive question answering (Devlin et al., arXiv 1810.04805, section 4.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.core.chunk import Chunk
from rag.generation.span_search import SpanNode, walk_tree
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel
from rag.models.weight_delta import DELTA_FILE, apply_delta, check_delta

SHIPPED = Path(__file__).parents[1] / "weights" / "span_scorer"
TOP_SPANS = 2  # spans; six change nothing in what is chosen, and each is read by all (eval/LOG.md)
MAX_TOKENS = 192  # tokens of a question and a chunk of 520 characters under its headings


@dataclass(frozen=True)
class SpanScores:
    """Of one passage: the characters of each of its tokens, and the log-odds that the answer begins and ends with it rather than being nowhere."""

    tokens: list[tuple[int, int]]
    begins: list[float]
    ends: list[float]

    def begin(self, start: int) -> float:
        """-> the log-odds that the answer begins with this character; of the unlikeliest token where the passage was cut off before it."""
        return next(
            (s for (_, last), s in zip(self.tokens, self.begins, strict=True) if start < last),
            min(self.begins, default=0.0),
        )

    def end(self, end: int) -> float:
        """-> the same of its ending before this character."""
        return next(
            (s for (_, last), s in zip(self.tokens, self.ends, strict=True) if end <= last), min(self.ends, default=0.0)
        )

    def of(self, start: int, end: int) -> float:
        """-> the log-odds of a span of characters."""
        return self.begin(start) + self.end(end)


class SpanScorer:
    def __init__(self, model: LocalModel, device: str, delta: Path = SHIPPED):
        """changes: a folder with what training changed in `model`. Raises ModelError when they belong to another."""
        import torch
        from transformers import AutoTokenizer

        check_delta(delta, model)
        self.digest = hashlib.sha256((delta / DELTA_FILE).read_bytes()).hexdigest()
        self._tokenizer, self._device = AutoTokenizer.from_pretrained(model.path, local_files_only=True), device
        self._model = load_span_model(model, torch.bfloat16 if computes_bfloat16(device) else torch.float32)
        apply_delta(self._model, delta)
        self._model.to(device).eval()

    def read(self, question: str, texts: list[str]) -> list[SpanScores]:
        """-> the marks of each text."""
        import torch

        if not texts:
            return []
        inputs, within = encode_pairs(self._tokenizer, [question] * len(texts), texts)
        with torch.inference_mode():
            out = self._model(**inputs.to(self._device))
        begins, ends = out.start_logits.float().cpu(), out.end_logits.float().cpu()
        return [_marks(kept, begins[row], ends[row]) for row, kept in enumerate(within)]


def best_paths(tree: SpanNode, marks: list[SpanScores], chunks: list[Chunk]) -> list[tuple[int, ...]]:
    """-> the paths to the PROPOSED spans of the tree that are marked best. marks: of each chunk, read as it is searched."""
    spans = [(path, place) for path, node in walk_tree(tree) for place in node.places]
    begins = {
        (n, at): marks[n - 1].begin(chunks[n - 1].search_offset(at))
        for n, at in {(place.passage, place.start) for _, place in spans}
    }
    ends = {
        (n, at): marks[n - 1].end(chunks[n - 1].search_offset(at))
        for n, at in {(place.passage, place.end) for _, place in spans}
    }
    spans.sort(key=lambda span: -begins[span[1].passage, span[1].start] - ends[span[1].passage, span[1].end])
    return list(dict.fromkeys(path for path, _ in spans))[:TOP_SPANS]


def _marks(kept: list[tuple[int, tuple[int, int]]], begins: Any, ends: Any) -> SpanScores:
    at = [n for n, _ in kept]
    return SpanScores(
        [characters for _, characters in kept], (begins - begins[0])[at].tolist(), (ends - ends[0])[at].tolist()
    )


def load_span_model(model: LocalModel, dtype: Any, **settings: Any) -> Any:
    """-> the encoder with two outputs a token, untrained."""
    from transformers import AutoModelForQuestionAnswering

    return AutoModelForQuestionAnswering.from_pretrained(model.path, dtype=dtype, local_files_only=True, **settings)


def encode_pairs(
    tokenizer: Any, questions: list[str], texts: list[str]
) -> tuple[Any, list[list[tuple[int, tuple[int, int]]]]]:
    """-> the batch that the model reads, and of each text its tokens: their position in the row, and their characters."""
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
    within = [
        [(n, tuple(offsets[row][n])) for n, part in enumerate(inputs.sequence_ids(row)) if part == 1]
        for row in range(len(texts))
    ]
    return inputs, within
