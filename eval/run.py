"""One evaluation: questions, an index, generators -> predictions, summary, report in a run folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from eval import metrics
from eval.predict import evidence_ranks, predict, retrieve
from eval.questions import EvaluationError, Question
from eval.report import write_report
from rag.chunking import ChunkSettings
from rag.generator import Generator, read_identity
from rag.indexing import sync
from rag.pipeline import AnswerSettings, live_adapter, open_generator, open_retriever, open_store
from rag.prompt import fingerprint
from rag.retrieval import RetrievalSettings
from rag.settings import Settings

RUNS = Path("var/runs")


def newest_adapter(run: str) -> Path | None:
    """-> the adapter of the run's last finished stage."""
    return next((RUNS / run / stage / "adapter" for stage in ("dpo", "sft") if (RUNS / run / stage / "run.json").exists()), None)


def tuned_adapter(given: Path | None) -> Path:
    """-> the adapter to measure: the one given, else the live one, else the newest of make train. Raises EvaluationError when there is none."""
    found = given or live_adapter() or newest_adapter("default")
    if found is None:
        raise EvaluationError("there is no tuned adapter: make train, or evaluate --generators base")
    return found


def build_index(settings: Settings, folder: Path, documents: list[Path]) -> None:
    """Index the folders for an evaluation, in an index of its own; unchanged documents cost nothing, those that are gone leave it."""
    store, embedder = open_store(settings, folder, create=True)
    for target in documents:
        report = sync(store, embedder, target, settings.section("chunk", ChunkSettings))
        for skipped in report.skipped:
            print(f"left out: {skipped.path}: {skipped.reason}")
    store.close()


def evaluate(
    settings: Settings, folder: Path, index: Path, questions: list[Question], names: list[str], adapter: Path | None, parts: dict[str, str]
) -> dict[str, Any]:
    """Answer, measure, report; -> the summary, also in folder/run.json. parts: document id to "mined", "unmined" or "incoming"."""
    retriever = open_retriever(settings, index)
    passages = retrieve(retriever, questions)
    ranks = {q.id: evidence_ranks(q, passages[q.id]) for q in questions}
    shown = {id: found[: settings.section("retrieval", RetrievalSettings).passages] for id, found in passages.items()}
    generator = open_generator(settings, adapter)
    longest = settings.section("answer", AnswerSettings).max_new_tokens
    _claim(folder, generator, questions, shown, longest, adapter)
    predictions = {}
    for name in names:
        if name == "base":
            with generator.base():
                predictions[name] = predict(generator, questions, shown, longest, folder / "base.jsonl", "base")
        else:
            predictions[name] = predict(generator, questions, shown, longest, folder / f"{name}.jsonl", name)
    summary = summarize(questions, ranks, predictions, parts)
    summary["generator"] = {"model": generator.name, "device": generator.device, "precision": generator.precision}
    (folder / "run.json").write_text(json.dumps(summary, indent=2))
    write_report(folder, summary, predictions)
    return summary


def _claim(folder: Path, generator: Generator, questions: list[Question], shown, longest: int, adapter: Path | None) -> None:
    """Keep earlier predictions in the folder only if they were made of the same questions, passages, model, adapter, prompt and longest answer."""
    basis = {
        "questions": [dataclasses.astuple(q) for q in questions],
        "passages": [[dataclasses.astuple(p.chunk) for p in shown[q.id]] for q in questions],
        "longest": longest,
        "model": generator.digest,
        "precision": generator.precision,
        "prompt": fingerprint(generator.tokenizer),
        "adapter": hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest() if adapter else None,
    }
    digest = hashlib.sha256(json.dumps(basis).encode()).hexdigest()
    mark = folder / "basis.txt"
    if mark.exists() and mark.read_text() != digest:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(digest)


def summarize(questions: list[Question], ranks: dict[str, list], predictions: dict[str, list[dict]], parts: dict[str, str]) -> dict[str, Any]:
    """-> the JSON summary: retrieval, each generator over all, by kind and by part of the corpus, and the paired comparison."""
    summary: dict[str, Any] = {
        "n": len(questions),
        "retrieval": metrics.retrieval([ranks[q.id] for q in questions if q.answerable]),
        "retrieval_by_kind": {
            kind: metrics.retrieval([ranks[q.id] for q in questions if q.kind == kind])
            for kind in sorted({q.kind for q in questions if q.answerable})
        },
        "generators": {},
    }
    for name, rows in predictions.items():
        summary["generators"][name] = {
            **metrics.answers(rows),
            "by_kind": _by_group(rows, {q.id: q.kind for q in questions}),
            "by_part": _by_group(rows, {q.id: parts.get(q.document, "all") for q in questions}),
        }
    if {"base", "tuned"} <= set(predictions):
        summary["comparison"] = compare(predictions["base"], predictions["tuned"])
    return summary


def _by_group(rows: list[dict], group: dict[str, str]) -> dict[str, Any]:
    return {name: metrics.answers(members) for name, members in metrics.grouped(rows, lambda p: group[p["id"]]).items()}


def compare(base: list[dict], tuned: list[dict]) -> dict[str, Any]:
    """-> paired differences tuned - base with 95 % intervals, over the questions that neither failed on. Utility is metrics.utility: note that a
    model that always refuses has the share of unanswerable questions."""
    both = [(a, b) for a, b in zip(base, tuned, strict=True) if not a.get("error") and not b.get("error")]
    measures = {
        "f1": [(a["f1"], b["f1"]) for a, b in both if a["answerable"]],
        "refuses rightly": [(float(a["refused"]), float(b["refused"])) for a, b in both if not a["answerable"]],
        "utility": [(metrics.utility(a), metrics.utility(b)) for a, b in both],
    }
    found = {}
    for name, pairs in measures.items():
        difference, low, high = metrics.paired_bootstrap([a for a, _ in pairs], [b for _, b in pairs])
        found[name] = {"difference": round(difference, 4), "low": round(low, 4), "high": round(high, 4), "n": len(pairs)}
    found["verdict"] = f"{verdict(found['utility'], 'tuned')} (F1 on answerable {interval(found['f1'])}; right refusals {interval(found['refuses rightly'])})"
    return found


def interval(difference: dict[str, float]) -> str:
    return f"{difference['difference']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}], n={difference['n']}"


def verdict(difference: dict[str, float], name: str) -> str:
    """-> one sentence: who is better on the paired difference, by how much, on how many questions."""
    if difference["low"] > 0:
        return f"{name} is better than base: utility {interval(difference)}"
    if difference["high"] < 0:
        return f"base is better than {name}: utility {interval(difference)}"
    return f"no difference shown between base and {name}: utility {interval(difference)}"


def mined_parts(index_documents: list[str], adapter: Path | None) -> dict[str, str]:
    """-> document id: "mined" if the adapter's run mined it for training or development, "incoming" if it was not there, else "unmined"."""
    if adapter is None:
        return {}
    identity = read_identity(adapter)
    try:
        receipt = json.loads((RUNS / identity.get("run", "") / "mine" / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        receipt = {}
    if not receipt or receipt.get("data") != identity.get("data"):  # the run was mined again since, or is gone
        return dict.fromkeys(index_documents, "mining record lost")
    parts = receipt["documents"]
    mined, unmined = {*parts["train"], *parts["dev"]}, set(parts["unmined"])
    return {d: "mined" if d in mined else "unmined" if d in unmined else "incoming" for d in index_documents}
