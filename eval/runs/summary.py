"""The figures of a run: what run.json holds, the same each time it is made, and the times beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.metrics import aggregate, ranking
from eval.metrics.answer_metrics import contains
from eval.metrics.statistics import bootstrap, group_by, mean, percentile
from eval.runs import forgetting
from eval.runs.compare import compare_generators, new_document_drop
from eval.runs.questions import Question
from rag.core.errors import EvaluationError
from rag.core.text_metrics import exact_match, token_f1

SUMMARY, TIMES, PASSAGES = "run.json", "times.json", "passages.jsonl"

Row = dict[str, Any]


@dataclass
class GeneratorPredictions:
    """What one generator said. rows: with passages. closed_book: from memory. instructions: to general ones,
    asked only where there is an adapter. made_by: model, adapter, device, curves."""

    rows: list[Row]
    closed_book: list[Row]
    instructions: list[Row]
    made_by: Row


def summarize(questions: list[Question], ranks: dict[str, list], answered: dict[str, GeneratorPredictions]) -> Row:
    """-> retrieval, each generator over all, by kind, by part and by document, and each later generator against the first."""
    asked = [q for q in questions if q.answerable]
    summary: Row = {
        "n": len(questions),
        "retrieval": ranking.ranking_measures([ranks[q.id] for q in asked]),
        "retrieval_by_kind": {
            kind: ranking.ranking_measures([ranks[q.id] for q in group])
            for kind, group in group_by(asked, lambda q: q.kind).items()
        },
        "generators": {name: summarize_one(said.rows) for name, said in answered.items()},
        "made_by": {name: said.made_by for name, said in answered.items()},
    }
    for name, said in answered.items():
        summary["generators"][name]["closed_book"] = from_memory(said.closed_book)
        if said.instructions:
            summary["generators"][name]["instructions"] = forgetting.followed_shares(said.instructions)
    (first, before), *others = answered.items()
    summary["comparisons"] = [compare_generators(first, before.rows, name, said.rows) for name, said in others]
    summary["forgetting"] = {
        name: forgetting.compare_instructions(before.instructions, said.instructions) for name, said in others
    }
    return summary


def summarize_one(rows: list[Row]) -> Row:
    """-> a generator's figures, and the same by group."""
    groups = {"by_kind": lambda r: r["kind"], "by_part": lambda r: r["part"], "by_document": lambda r: r["document"]}
    return {
        **aggregate.summarize_answers(rows),
        **aggregate.confidence_curves(rows),
        "intervals": intervals(rows),
        "drop": new_document_drop(rows),
        **{
            name: {group: aggregate.summarize_answers(members) for group, members in group_by(rows, key).items()}
            for name, key in groups.items()
        },
    }


def intervals(rows: list[Row]) -> dict[str, list[float]]:
    """-> 95 % bootstrap interval of each plain mean, for the bars."""
    done = [r for r in rows if not r.get("error")]
    values = {
        "exact_match": [r["measures"]["exact_match"] for r in done if r["answers"]],
        "f1": [r["measures"]["f1"] for r in done if r["answers"]],
        "contains": [r["measures"]["contains"] for r in done if r["answers"]],
        "squad2_f1": [r["measures"]["squad2_f1"] for r in done],
        **{name: [r["measures"][key] for r in done if r["measures"].get(key) is not None]
           for name, key in (("citation_precision", "citation_precision"), ("citation_recall", "citation_recall"), ("groundedness", "grounded"))},
        "right_refusals": [float(r["refused"]) for r in done if not r["answers"]],
        "hallucination_rate": [float(r["measures"]["hallucinated"]) for r in done],
    }  # fmt: skip
    found = {name: bootstrap(numbers, 2000) for name, numbers in values.items() if numbers}
    return {name: [d.difference, d.low, d.high] for name, d in found.items()}


def from_memory(rows: list[Row]) -> Row:
    """-> closed-book exact match, F1, contains and perplexity."""
    done = [r for r in rows if not r.get("error")]
    return {
        "n": len(done),
        "exact_match": mean([exact_match(r["text"], r["answers"]) for r in done]),
        "f1": mean([token_f1(r["text"], r["answers"]) for r in done]),
        "contains": mean([contains(r["text"], r["answers"]) for r in done]),
        "perplexity": aggregate.perplexity(done),
    }


def read_summary(folder: Path) -> Row:
    """-> a finished run's figures, its times among them: per generator latency_s of the first token and of the whole answer, p50 and p95."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        times = json.loads((folder / TIMES).read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{folder} is no finished run ({error}): python -m eval gold, or bench") from error
    for name, figures in summary["generators"].items():
        whole, first = times["generators"][name]["answer"], times["generators"][name]["first_token"]
        figures["latency_s"] = {
            "p50": percentile(whole, 50),
            "p95": percentile(whole, 95),
            "first_token_p50": percentile(first, 50),
            "n": len(whole),
        }
    search = times["search"]
    summary["retrieval_latency_s"] = {"p50": percentile(search, 50), "p95": percentile(search, 95), "n": len(search)}
    return summary
