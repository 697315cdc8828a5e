"""Gives predictions their measures, with the passages that they were made from."""

from __future__ import annotations

from eval.metrics.answer_metrics import Citation, Span, cited_span, measure_answer
from eval.metrics.groundedness import CitedPassage, add_support, open_support_model
from eval.metrics.prediction import Prediction
from eval.metrics.relevance import add_relevance
from eval.runs.predict import PassagesById
from eval.runs.summary import GeneratorPredictions
from rag.core.chunk import Chunk
from rag.core.settings import Settings
from rag.factory import open_embedder


def score_all(
    settings: Settings, predicted: dict[str, GeneratorPredictions], passages: PassagesById, parts: dict[str, str]
) -> None:
    """Replace the predictions of each generator by scored ones, with the part of the corpus that they are about.

    passages: those shown for each question. parts: by document id.
    """
    cited = {_place(p.chunk): _as_cited(p.chunk) for found in passages.values() for p in found}
    model, embedder = open_support_model(settings), open_embedder(settings)

    def source(row: Prediction, citation: Citation) -> str:
        document, start, end = cited_span(row, citation)
        return cited[document, start, end].text[citation["start"] - start : citation["end"] - start]

    for predictions in predicted.values():
        rows = predictions.rows
        add_support(rows, [[cited[cited_span(row, c)] for c in row.get("cited", ())] for row in rows], model)
        rows[:] = [{**measure_answer(row, source), "part": parts.get(row["document"], "all")} for row in rows]
        add_relevance(rows, embedder)


def _place(chunk: Chunk) -> Span:
    return chunk.document, chunk.start, chunk.end


def _as_cited(chunk: Chunk) -> CitedPassage:
    return CitedPassage(chunk.text, chunk.heading_path)
