"""The spans of the passages that the span scorer finds most likely, as paths in the tree of spans."""

from __future__ import annotations

from rag.core.chunk import Chunk
from rag.generation.span_tree import SpanNode, SpanPlace, walk_tree
from rag.models.span_scorer import SpanScores

TOP_SPANS = 2  # spans proposed; with six the same span is selected, and each costs a forward pass (eval/LOG.md)


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
