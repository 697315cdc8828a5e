"""Which stage of a run goes on to the promotion test: chosen, and its confidence fitted, on dev questions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.metrics import aggregate
from eval.metrics.answer_metrics import RIGHT, measure_answer
from eval.metrics.span_outcomes import SpanOutcome, span_outcome
from eval.metrics.statistics import mean, paired_bootstrap
from eval.promotion.held_out import read_dev
from eval.runs.predict import predict
from rag.answering.spans.confidence import Recalibration, fit_recalibration
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage, run_folder
from rag.core.sections import AnswerSettings, PrefixSettings
from rag.core.settings import Settings
from rag.factory import live_adapter, open_answerer, open_generator, shipped_reader
from rag.generation.base_models import BaseModels
from rag.models.registry import CONFIDENCE_FILE

Rows = list[dict[str, Any]]


def compare_stages(settings: Settings, run: str, index: Path) -> dict[str, Any]:
    """Answer the dev questions with the base, with what answers now, and with each stage's adapter; choose the best.

    Each adapter's confidence is fitted on its answers and kept in its folder. Questions come with the passages that
    they were mined with. Returns the choice, which is also written to dev/run.json of the run.
    """
    questions, shown = read_dev(run)
    adapters = stage_adapters(run)
    if not adapters:
        raise EvaluationError(f"run {run} has no trained adapter: python -m finetune train --run {run}")
    stage, bases = Stage(run, "dev"), BaseModels(settings.section(PrefixSettings))
    stage.clear()
    now = current_adapter(settings, index)
    predictions: dict[str, Rows] = {}
    for adapter in adapters.values():
        (adapter / CONFIDENCE_FILE).unlink(missing_ok=True)  # fitted anew, on what the generator says by itself
    compared: dict[str, Path | None] = {"base": None, **now, **adapters}
    for name, chosen in compared.items():
        answerer = open_answerer(settings, open_generator(settings, chosen, bases))
        rows = predict(answerer, questions, shown, stage.folder / f"{name}.jsonl", name)
        predictions[name] = [measure_answer(row) for row in rows]
    result = choose_stage(predictions, adapters, next(iter(now), "base"), settings.section(AnswerSettings))
    write_json(stage.folder / "run.json", result)
    print(f"{result['sentence']}; F1 over all {result['squad2_f1']}")
    return result


def stage_adapters(run: str) -> dict[str, Path]:
    """Return the adapters that the run's finished stages made, by stage."""
    stages = {name: run_folder(run) / name for name in ("sft", "dpo")}
    return {name: folder / "adapter" for name, folder in stages.items() if (folder / "run.json").exists()}


def current_adapter(settings: Settings, index: Path) -> dict[str, Path]:
    """Return the adapter that answers now, under the name "live" or "reader"; nothing where the base answers."""
    live = live_adapter(index)
    if live:
        return {"live": live}
    reader = shipped_reader(settings)
    return {"reader": reader} if reader else {}


def choose_stage(
    predictions: Mapping[str, Rows], adapters: Mapping[str, Path], now: str, settings: AnswerSettings
) -> dict[str, Any]:
    """Fit each adapter's confidence, choose the stage of highest mean F1 over all questions, and say how it compares.

    F1 over all questions is SQuAD 2.0's: a refusal is right where the passages lack the answer. The chosen adapter is
    the one that the promotion test judges, on other questions.
    """
    if any(row.get("error") for rows in predictions.values() for row in rows):
        raise EvaluationError("some dev questions failed: see the error in var/runs/*/dev/*.jsonl")
    scores = {name: [row["measures"]["squad2_f1"] for row in rows] for name, rows in predictions.items()}
    confidence: dict[str, Recalibration] = {}
    if settings.extractive:
        for name, adapter in adapters.items():
            outcomes = [span_outcome(row) for row in predictions[name]]
            confidence[name] = fit_confidence(outcomes)
            confidence[name].save(adapter)
            scores[name] = recalibrated_f1(outcomes, confidence[name], settings.least)
    best = max(adapters, key=lambda name: mean(scores[name]))
    difference = paired_bootstrap(scores[now], scores[best])
    better = "is better than" if difference.low > 0 else "is not shown to be better than"
    return {
        "adapter": str(adapters[best]),
        "sentence": f"on dev questions {best} {better} {now}: F1 over all questions {difference}",
        "squad2_f1": {name: mean(values) for name, values in scores.items()},
        "generators": {name: aggregate.summarize_answers(rows) for name, rows in predictions.items()},
        "confidence": {name: vars(fitted) for name, fitted in confidence.items()},
    }


def fit_confidence(outcomes: Sequence[SpanOutcome]) -> Recalibration:
    """Fit the confidence of a generator on its outcomes, a span of at least RIGHT token F1 counting as right."""
    return fit_recalibration([o.probability for o in outcomes], [o.f1 >= RIGHT for o in outcomes])


def recalibrated_f1(outcomes: Sequence[SpanOutcome], fitted: Recalibration, threshold: float) -> list[float]:
    """Return each question's F1 over all questions, if the threshold is held against the recalibrated probability."""
    return [SpanOutcome(fitted.apply(o.probability), o.f1, o.answerable).squad2_f1(threshold) for o in outcomes]
