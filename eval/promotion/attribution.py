"""Which trained component earned what: every combination of old and new components answers the gate questions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eval.metrics import ranking
from eval.metrics.answer_metrics import measure_answer
from eval.metrics.span_outcomes import SpanOutcome, right_refusals, span_outcome, threshold_for
from eval.metrics.statistics import percentile
from eval.promotion.held_out import GATE, GateQuestion, read_gate
from eval.promotion.stages import current_adapter
from eval.promotion.verdicts import EMBEDDER, GENERATOR, RERANKER, Cell, Values, cell_name, judge_components
from eval.runs.generators import newest_adapter
from eval.runs.identity import generator_identity, json_digest, passage_rows, selection_identity
from eval.runs.predict import SEARCH_DEPTH, PassagesById, evidence_ranks, predict, retrieve
from eval.runs.questions import question_fields
from eval.runs.trial_embedder import trial_retrievers
from rag.answering.answerer import Answerer
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage, run_folder
from rag.core.sections import AnswerSettings, PrefixSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.encoder_factory import open_reranker, open_trained_reranker
from rag.factory import open_answerer, open_embedder, open_generator, open_index_embedder, open_store
from rag.generation.base_models import BaseModels
from rag.models.embedder import Embedder
from rag.retrieval.reranking import Reranker

RETRIEVAL_STAGES = {EMBEDDER: "corpus-embedder", RERANKER: "corpus-reranker"}
ORDER_MEASURES: dict[str, Callable[[ranking.Ranks], float]] = {
    "MRR": ranking.mean_reciprocal_rank,
    "recall@3": lambda ranks: ranking.recall_at(ranks, 3),
}
F1_OVER_ALL, F1_EQUAL = "F1 over all questions", "F1 over all at equal right refusals"

Rows = list[dict[str, Any]]


def attribute(settings: Settings, run: str, index: Path) -> dict[str, Any]:
    """Ask the gate questions of every combination of what is live now and what the run has trained.

    Returns cells, tests and the verdict on each component, which are also written to attribution/run.json of the run.
    Predictions are kept and used again. Raises EvaluationError when the run has trained nothing.
    """
    new, (questions, whose) = trained_components(run), read_gate(run)
    if not new:
        raise EvaluationError(f"run {run} has trained nothing: python -m finetune train --run {run}")
    stage = Stage(run, "attribution")
    (stage.folder / "run.json").unlink(missing_ok=True)  # an older verdict must not pass for this one's
    shown, orders, seconds = search(settings, index, questions, new.get(EMBEDDER), new.get(RERANKER))
    predictions = answer(settings, index, questions, shown, new.get(GENERATOR), stage.folder)
    result = {
        "run": run,
        "part": GATE,
        "n": len(questions),
        "questions": whose,
        "search_ms": {cell_name(cell): round(1000 * percentile(times, 50), 1) for cell, times in seconds.items()},
        **judge_components(answer_values(predictions, settings.section(AnswerSettings)), orders, new),
    }
    write_json(stage.folder / "run.json", result)
    return result


def trained_components(run: str) -> dict[str, Path]:
    """Return the folder of each component that the run has trained.

    Of the generator's stages it is the one that `python -m eval dev` chose, else the last.
    """
    dev = run_folder(run) / "dev" / "run.json"
    adapter = Path(json.loads(dev.read_text(encoding="utf-8"))["adapter"]) if dev.exists() else newest_adapter(run)
    found = {GENERATOR: adapter} if adapter else {}
    stages = {name: run_folder(run) / stage for name, stage in RETRIEVAL_STAGES.items()}
    return {**found, **{name: s / "weights" for name, s in stages.items() if (s / "run.json").exists()}}


def search(
    settings: Settings, index: Path, questions: list[GateQuestion], embedder: Path | None, reranker: Path | None
) -> tuple[dict[Cell, PassagesById], dict[str, Values], dict[Cell, list[float]]]:
    """Search with every combination of live and trained embedder and cross-encoder.

    embedder, reranker: folders of the trained ones' weight deltas. Returns the passages that each combination shows,
    the measures of order by cell, and the seconds of each search. Order is measured on questions that a passage
    answers: the others were kept because the live order puts their passage on top.
    """
    store, retrieval = open_store(settings, index), settings.section(RetrievalSettings)
    embedders: dict[Cell, Embedder] = {(): open_index_embedder(settings, store)}
    if embedder:
        embedders[(EMBEDDER,)] = open_embedder(settings, embedder)
    rerankers: dict[Cell, Reranker | None] = {(): open_reranker(settings, index)}
    if reranker:
        rerankers[(RERANKER,)] = open_trained_reranker(settings, reranker)
    shown, seconds = {}, {}
    orders: dict[str, Values] = {name: {} for name in ORDER_MEASURES}
    retrievers = {cell: trial_retrievers(store, each, retrieval) for cell, each in embedders.items()}
    for (first, make_retriever), (second, each) in itertools.product(retrievers.items(), rerankers.items()):
        cell = (*first, *second)
        found, seconds[cell] = retrieve(make_retriever(each), [q.question for q in questions])
        ranks = _ranks(questions, found)
        for name, measure in ORDER_MEASURES.items():
            orders[name][cell] = [measure([pieces]) for pieces in ranks]
        shown[cell] = {q.question.id: q.shown(found[q.question.id], retrieval.passages) for q in questions}
    return shown, orders, seconds


def _ranks(questions: list[GateQuestion], found: PassagesById) -> ranking.Ranks:
    answerable = [q.question for q in questions if q.answered or q.left_out]
    return [evidence_ranks(question, found[question.id][:SEARCH_DEPTH]) for question in answerable]


def answer(
    settings: Settings,
    index: Path,
    questions: list[GateQuestion],
    shown: dict[Cell, PassagesById],
    adapter: Path | None,
    folder: Path,
) -> dict[Cell, Rows]:
    """Answer the questions in every cell, with the generator that answers now and with the trained adapter."""
    bases, predictions = BaseModels(settings.section(PrefixSettings)), {}
    now = next(iter(current_adapter(settings, index).values()), None)
    adapters: dict[Cell, Path | None] = {(): now}
    if adapter:
        adapters[(GENERATOR,)] = adapter
    for new, chosen in adapters.items():
        answerer = open_answerer(settings, open_generator(settings, chosen, bases))
        for retrieval, passages in shown.items():
            cell = (*new, *retrieval)
            predictions[cell] = _predict(answerer, chosen, questions, passages, folder, cell_name(cell))
    return predictions


def _predict(
    answerer: Answerer,
    adapter: Path | None,
    questions: list[GateQuestion],
    passages: PassagesById,
    folder: Path,
    name: str,
) -> Rows:
    asked = [question.as_asked for question in questions]
    basis = {
        "shown": passage_rows(passages),
        "asked": [question_fields(question) for question in asked],
        **selection_identity(answerer),
        **generator_identity(answerer.generator, adapter),
    }
    file = folder / f"{name}-{json_digest(basis)}.jsonl"
    rows = predict(answerer, asked, passages, file, name)
    if any(row.get("error") for row in rows):
        raise EvaluationError(f"some questions failed: see the error in {file}")
    return rows


def answer_values(predictions: dict[Cell, Rows], settings: AnswerSettings) -> dict[str, Values]:
    """Return each measure of answers by cell, one value a question.

    F1 over all questions (SQuAD 2.0) is measured at the threshold that serves, and for extractive answers also at
    equal right refusals: each cell's threshold refuses as many unanswerable questions as the first cell's does.
    """
    served = {
        cell: [measure_answer(row)["measures"]["squad2_f1"] for row in rows] for cell, rows in predictions.items()
    }
    if not settings.extractive:
        return {F1_OVER_ALL: served}
    outcomes = {cell: [span_outcome(row) for row in rows] for cell, rows in predictions.items()}
    share = right_refusals(outcomes[()], settings.least)
    equal = {cell: _f1_at(each, threshold_for(each, share)) for cell, each in outcomes.items()}
    return {F1_OVER_ALL: served, F1_EQUAL: equal}


def _f1_at(outcomes: Sequence[SpanOutcome], threshold: float) -> list[float]:
    return [outcome.squad2_f1(threshold) for outcome in outcomes]
