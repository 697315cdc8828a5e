"""The figures of a run: what run.json holds, the same each time it is made, and the times beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eval.metrics import aggregate, ranking
from eval.metrics.answer_metrics import contains
from eval.metrics.equal_refusals import refusal_curve
from eval.metrics.prediction import Figures, Prediction
from eval.metrics.statistics import bootstrap, group_by, mean, percentile
from eval.runs import forgetting
from eval.runs.compare import compare_generators, new_document_drop
from eval.runs.questions import Question
from rag.core.errors import EvaluationError
from rag.core.text_metrics import exact_match, token_f1

SUMMARY, TIMES, PASSAGES = "run.json", "times.json", "passages.jsonl"
INTERVAL_SAMPLES = 2_000  # resamples of the intervals that the bars show


@dataclass
class GeneratorPredictions:
    """What one generator answered.

    rows: predictions from passages. closed_book: from memory. instructions: results of general instructions, asked
    only where a run has an adapter. made_by: model, adapter, device, precision and training curves.
    """

    rows: list[Prediction]
    closed_book: list[Prediction]
    instructions: list[forgetting.Result]
    made_by: Figures


def summarize(
    questions: list[Question], ranks: dict[str, list[int | None]], predicted: dict[str, GeneratorPredictions]
) -> Figures:
    """Return the figures of retrieval, of each generator over all and by group, and each comparison with the first.

    ranks: of each question's evidence, by question id (see eval.metrics.ranking).
    """
    answerable = [q for q in questions if q.answerable]
    by_kind = group_by(answerable, lambda q: q.kind)
    (first, baseline), *others = predicted.items()
    return {
        "n": len(questions),
        "retrieval": ranking.ranking_measures([ranks[q.id] for q in answerable]),
        "retrieval_by_kind": {
            kind: ranking.ranking_measures([ranks[q.id] for q in group]) for kind, group in by_kind.items()
        },
        "generators": {name: _all_figures(each) for name, each in predicted.items()},
        "made_by": {name: each.made_by for name, each in predicted.items()},
        "comparisons": [compare_generators(first, baseline.rows, name, each.rows) for name, each in others],
        "forgetting": {
            name: forgetting.compare_instructions(baseline.instructions, each.instructions) for name, each in others
        },
    }


def _all_figures(predictions: GeneratorPredictions) -> Figures:
    found = {**summarize_one(predictions.rows), "closed_book": closed_book_measures(predictions.closed_book)}
    if predictions.instructions:
        found["instructions"] = forgetting.followed_shares(predictions.instructions)
    return found


def summarize_one(rows: list[Prediction]) -> Figures:
    """Return a generator's figures over all its scored predictions, and by kind, part and document."""
    return {
        **aggregate.summarize_answers(rows),
        **aggregate.confidence_curves(rows),
        "refusal_curve": refusal_curve([row for row in rows if not row.get("error")]),
        "intervals": intervals(rows),
        "drop": new_document_drop(rows),
        **{f"by_{key}": _by_group(rows, key) for key in ("kind", "part", "document")},
    }


def _by_group(rows: list[Prediction], key: str) -> dict[str, Figures]:
    groups = group_by(rows, lambda row: row[key])
    return {group: aggregate.summarize_answers(members) for group, members in groups.items()}


def intervals(rows: list[Prediction]) -> dict[str, list[float]]:
    """Return mean, low and high of each plain mean, for the bars."""
    done = [row for row in rows if not row.get("error")]
    answerable, unanswerable = [r for r in done if r["answers"]], [r for r in done if not r["answers"]]
    values = {
        **{name: _known(answerable, name) for name in ("exact_match", "f1", "contains")},
        "squad2_f1": _known(done, "squad2_f1"),
        "citation_precision": _known(done, "citation_precision"),
        "citation_recall": _known(done, "citation_recall"),
        "groundedness": _known(done, "grounded"),
        "right_refusals": [float(row["refused"]) for row in unanswerable],
        "hallucination_rate": _known(done, "hallucinated"),
    }
    found = {name: bootstrap(numbers, INTERVAL_SAMPLES) for name, numbers in values.items() if numbers}
    return {name: [d.difference, d.low, d.high] for name, d in found.items()}


def _known(rows: list[Prediction], name: str) -> list[float]:
    return [float(row["measures"][name]) for row in rows if row["measures"].get(name) is not None]


def closed_book_measures(rows: list[Prediction]) -> Figures:
    """Return exact match, F1, contains and perplexity of answers from memory."""
    done = [row for row in rows if not row.get("error")]

    def mean_of(measure: Callable[[str, list[str]], float]) -> float:
        return mean([measure(row["text"], row["answers"]) for row in done])

    measures = {"exact_match": mean_of(exact_match), "f1": mean_of(token_f1), "contains": mean_of(contains)}
    return {"n": len(done), **measures, "perplexity": aggregate.perplexity(done)}


def read_summary(folder: Path) -> Figures:
    """Read a finished run's figures, with the latency of each generator and of searching added.

    latency_s has the seconds to the first token and to the whole answer, as median (p50) and 95th percentile (p95).
    Raises EvaluationError where the run has not finished.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        times = json.loads((folder / TIMES).read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{folder} is no finished run ({error}): python -m eval gold, or bench") from error
    for name, figures in summary["generators"].items():
        of_one = times["generators"][name]
        first = {"first_token_p50": percentile(of_one["first_token"], 50)}
        figures["latency_s"] = {**_latency(of_one["answer"]), **first}
    summary["retrieval_latency_s"] = _latency(times["search"])
    return summary


def _latency(seconds: list[float]) -> dict[str, float]:
    return {"p50": percentile(seconds, 50), "p95": percentile(seconds, 95), "n": len(seconds)}
