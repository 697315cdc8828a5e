"""Asks a set's questions as `rag ask` does, over an index that holds the set's documents and no others."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from eval.metrics.prediction import Prediction
from eval.runs.evaluation_index import build_index
from eval.runs.questions import Question, question_fields
from rag.core.settings import Settings
from rag.factory import INDEX, live_adapter, open_answerer, open_generator, open_retriever, shipped_reader
from rag.pipeline import Pipeline


def ask_all(settings: Settings, index: Path, documents: Path, questions: list[Question]) -> list[Prediction]:
    """Index the documents and return what is answered to each question.

    The generator is the live adapter of var/index or, where there is none, the shipped reader. The rows hold the
    question's fields, text, refused, confidence, answer_kind and cited (a list of document, start, end and quote).
    """
    build_index(settings, index, [documents])
    generator = open_generator(settings, live_adapter() or shipped_reader(settings))
    retriever = open_retriever(settings, index, weights_from=INDEX)
    pipeline = Pipeline(retriever, open_answerer(settings, generator))
    return [_ask(pipeline, question) for question in tqdm(questions, desc="asking", unit=" questions")]


def _ask(pipeline: Pipeline, question: Question) -> Prediction:
    answer = pipeline.ask(question.question)
    return {
        **question_fields(question),
        "text": answer.text,
        "refused": answer.refused,
        "confidence": answer.confidence,
        "answer_kind": answer.kind,
        "cited": [{"document": c.document, "start": c.start, "end": c.end, "quote": c.quote} for c in answer.citations],
    }
