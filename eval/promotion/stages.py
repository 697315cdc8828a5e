"""The run's adapters against what answers now, on development questions and the passages that they came with: which of them attribution goes on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.metrics import aggregate
from eval.metrics.answer_metrics import measure_answer
from eval.metrics.statistics import mean, paired_bootstrap
from eval.runs.predict import predict
from eval.runs.questions import Evidence, Question
from rag.core.chunk import Chunk
from rag.core.errors import EvaluationError
from rag.core.run_folder import Stage, run_folder
from rag.core.sections import PrefixSettings
from rag.core.settings import Settings
from rag.factory import live_adapter, open_answerer, open_generator, shipped_reader
from rag.generation.kv_cache import make_prefix_cache
from rag.retrieval.retriever import Passage


def compare_stages(settings: Settings, run: str) -> dict[str, Any]:
    """Answer the development rows with base, with what answers now (the live adapter or the reader that ships) and with each stage's adapter, on the rows' own
    passages; -> the verdict, also in dev/run.json."""
    questions, shown = read_dev_rows(development(run))
    adapters = {
        stage: run_folder(run) / stage / "adapter" for stage in ("sft", "dpo") if (run_folder(run) / stage / "run.json").exists()
    }
    if not adapters:
        raise EvaluationError(f"run {run} has no trained adapter: python -m finetune train --run {run}")
    folder, cache = run_folder(run) / "dev", make_prefix_cache(settings.section(PrefixSettings))
    Stage(run, "dev").clear()
    now = incumbent(settings)
    predictions = {}
    for name, adapter in {"base": None, **now, **adapters}.items():
        answerer = open_answerer(settings, open_generator(settings, adapter, cache))
        predictions[name] = predict(answerer, questions, shown, folder / f"{name}.jsonl", name)
    found = choose(
        {name: [measure_answer(row) for row in rows] for name, rows in predictions.items()},
        adapters,
        next(iter(now), "base"),
    )
    (folder / "run.json").write_text(json.dumps(found, indent=2))
    print(f"{found['sentence']}; F1 over all {found['squad2_f1']}")
    return found


def development(run: str) -> Path:
    """-> the run's development rows: as SFT kept them, imported ones among them and reviewed; where nothing is trained by it, as they were mined."""
    kept = run_folder(run) / "sft" / "dev.jsonl"
    return kept if kept.exists() else run_folder(run) / "mine" / "dev.jsonl"


def incumbent(settings: Settings) -> dict[str, Path]:
    """-> what answers as long as nothing is promoted, by name; nothing where that is the base."""
    live, reader = live_adapter(), shipped_reader(settings)
    return {"live": live} if live else {"reader": reader} if reader else {}


def choose(predictions: dict[str, list[dict]], adapters: dict[str, Path], now: str = "base") -> dict[str, Any]:
    """-> the stage of highest mean F1 over all questions (SQuAD 2.0: a refusal is right where the context lacks the answer), whose adapter attribution then
    judges, and a sentence on how it compares with what answers now, by the paired interval."""
    if any(row.get("error") for rows in predictions.values() for row in rows):
        raise EvaluationError("some development questions failed; see the error in var/runs/*/dev/*.jsonl")
    scores = {name: [row["measures"]["squad2_f1"] for row in rows] for name, rows in predictions.items()}
    best = max(adapters, key=lambda stage: mean(scores[stage]))
    difference = paired_bootstrap(scores[now], scores[best])
    found = f"{best} is better than {now}" if difference.low > 0 else f"{best} is not shown to be better than {now}"
    return {
        "adapter": str(adapters[best]),
        "sentence": f"{found}: F1 over all questions {difference}",
        "squad2_f1": {name: mean(values) for name, values in scores.items()},
        "generators": {name: aggregate.summarize_answers(rows) for name, rows in predictions.items()},
    }


def read_dev_rows(path: Path) -> tuple[list[Question], dict[str, list[Passage]]]:
    """-> the mined rows as questions, and the passages that each was mined with."""
    try:
        with path.open(encoding="utf-8") as file:  # not str.splitlines, which also parts lines at U+2028 and U+0085
            rows = [json.loads(line) for line in file]
    except OSError as error:
        raise EvaluationError(f"{path} can't be read ({error}): python -m finetune mine") from error
    questions, shown = [], {}
    for row in rows:
        answers = (row["answer"],) if row["cited"] else ()
        evidence = (Evidence(row["document"], *row["gold"]),) if answers else ()
        questions.append(Question(row["id"], row["question"], answers, row["document"], evidence, row["kind"]))
        shown[row["id"]] = [
            Passage(Chunk(**{**p, "headings": tuple(p["headings"])}), 0.0, None) for p in row["passages"]
        ]
    return questions, shown
