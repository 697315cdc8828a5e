"""Base against the run's adapters on its development questions: the paired test that promotion waits for."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from eval import metrics
from eval.judge import judge
from eval.predict import predict
from eval.questions import EvaluationError, Evidence, Question
from eval.run import RUNS
from eval.statistics import mean, paired_bootstrap
from rag.chunking import Chunk
from rag.pipeline import open_answerer, open_generator
from rag.prefix import PrefixSettings
from rag.retrieval import Passage
from rag.settings import Settings


def evaluate_dev(settings: Settings, run: str) -> dict[str, Any]:
    """Answer the development rows with base and each stage's adapter, on the rows' own passages; -> the verdict, also in dev/run.json."""
    used = RUNS / run / "sft" / "dev.jsonl"  # with what people gave and without what they dropped; runs of before have the mined rows alone
    questions, shown = read_rows(used if used.exists() else RUNS / run / "mine" / "dev.jsonl")
    adapters = {stage: RUNS / run / stage / "adapter" for stage in ("sft", "dpo") if (RUNS / run / stage / "run.json").exists()}
    if not adapters:
        raise EvaluationError(f"run {run} has no trained adapter: python -m finetune train --run {run}")
    folder = RUNS / run / "dev"
    shutil.rmtree(folder, ignore_errors=True)
    predictions, cache = {}, settings.section("prefix", PrefixSettings).cache()
    for stage, adapter in adapters.items():
        answerer = open_answerer(settings, open_generator(settings, adapter, cache))
        if "base" not in predictions:
            with answerer.generator.base():
                predictions["base"] = predict(answerer, questions, shown, folder / "base.jsonl", "base")
        predictions[stage] = predict(answerer, questions, shown, folder / f"{stage}.jsonl", stage)
    found = choose({name: [judge(row) for row in rows] for name, rows in predictions.items()}, adapters)
    (folder / "run.json").write_text(json.dumps(found, indent=2))
    print(f"{found['sentence']}; F1 over all {found['squad2_f1']}")
    return found


def choose(predictions: dict[str, list[dict]], adapters: dict[str, Path]) -> dict[str, Any]:
    """-> the stage of highest mean F1 over all questions (SQuAD 2.0: a refusal is right where the context lacks the answer) if its paired interval
    against base is above 0, else base."""
    if any(row.get("error") for rows in predictions.values() for row in rows):
        raise EvaluationError("some development questions failed; see the error in var/runs/*/dev/*.jsonl")
    scores = {name: [row["measures"]["squad2_f1"] for row in rows] for name, rows in predictions.items()}
    best = max(adapters, key=lambda stage: mean(scores[stage]))
    difference = paired_bootstrap(scores["base"], scores[best])
    found = f"{best} is better than base" if difference.low > 0 else f"{best} is not shown to be better than base"
    weights = hashlib.sha256((adapters[best] / "adapter_model.safetensors").read_bytes()).hexdigest()[:8]
    return {
        "winner": best if difference.low > 0 else "base",
        "adapter": str(adapters[best]),
        "weights": weights,
        "sentence": f"{found}: F1 over all questions {difference}",
        "squad2_f1": {name: mean(values) for name, values in scores.items()},
        "generators": {name: metrics.answers(rows) for name, rows in predictions.items()},
    }


def read_rows(path: Path) -> tuple[list[Question], dict[str, list[Passage]]]:
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
        shown[row["id"]] = [Passage(Chunk(**{**p, "headings": tuple(p["headings"])}), 0.0, None) for p in row["passages"]]
    return questions, shown
