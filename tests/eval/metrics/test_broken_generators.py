"""Generators that are broken on purpose, ranked by every measure, with the real embedder."""

import json
import random

import pytest

from eval.metrics.groundedness import open_support_model
from eval.runs.score import score_predictions
from fakes import CORPUS
from rag.core.settings import Settings
from rag.factory import open_embedder

pytestmark = pytest.mark.model


def gold() -> list[dict]:
    rows = [json.loads(line) for line in (CORPUS / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    return [r for r in rows if r["kind"] == "single"][:60] + [r for r in rows if not r["answers"]][:30]


def cite(row: dict) -> list[dict]:
    piece = row["evidence"][0]
    return [
        {
            "document": piece["document"],
            "start": piece["start"],
            "end": piece["start"] + len(piece["text"]),
            "quote": piece["text"],
        }
    ]


def answer(row: dict, text: str, other: dict, confidence: float = 0.9) -> dict:
    return {"id": row["id"], "text": text, "confidence": confidence, "cited": cite(other)}


def refuse(row: dict) -> dict:
    return {"id": row["id"], "text": "", "confidence": 0.9}


def predictions() -> dict[str, list[dict]]:
    rows, rng = gold(), random.Random(0)
    answerable = [r for r in rows if r["answers"]]
    others = [rng.choice([r for r in answerable if r["document"] != row["document"]]) for row in rows]
    pairs = list(zip(rows, others, strict=True))
    right = {r["id"]: answer(r, r["answers"][0], r, 0.95) for r in answerable}
    return {
        "good": [right.get(r["id"]) or refuse(r) for r in rows],
        "random passage": [answer(r, other["evidence"][0]["text"], other) for r, other in pairs],
        "always refuses": [refuse(r) for r in rows],
        "always answers": [right.get(r["id"]) or answer(r, other["answers"][0], other) for r, other in pairs],
        "copies the question": [answer(r, r["question"], r if r["answers"] else other) for r, other in pairs],
    }


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gold()))
    settings, found = Settings([]), {}
    meaning, embedder = open_support_model(settings), open_embedder(settings)
    for name, rows in predictions().items():
        file = folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        summary, _ = score_predictions(file, folder / "questions.jsonl", CORPUS, meaning, embedder)
        found[name] = summary["generators"][name]
        found[name] |= {f"refusal {key}": value for key, value in found[name]["refusal"].items()}
    return found


BROKEN = ("random passage", "always refuses", "always answers", "copies the question")
# By measure, the broken generators that it must put below the good one; the others may equal it. Measures of answers
# given say nothing of a generator that gives none.
BELOW = {
    "exact_match": ("random passage", "always refuses", "copies the question"),
    "f1": ("random passage", "always refuses", "copies the question"),
    "contains": ("always refuses", "copies the question"),
    "squad2_f1": BROKEN,
    "citation_precision": ("random passage", "always answers", "copies the question"),
    "citation_recall": ("random passage", "always refuses"),
    "groundedness": ("random passage", "always answers", "copies the question"),
    "relevance": ("random passage", "always answers", "copies the question"),
    "refusal precision": BROKEN,
    "refusal recall": ("random passage", "always answers", "copies the question"),
    "refusal f1": BROKEN,
    "coverage_area": BROKEN,
}
ABOVE = {
    "hallucination_rate": ("random passage", "always answers", "copies the question"),
    "ece": ("random passage", "always answers", "copies the question"),
}


@pytest.mark.parametrize(("measure", "broken"), [(m, b) for m, names in BELOW.items() for b in names])
def test_less_than_the_good_one(figures, measure, broken):
    assert figures[broken][measure] < figures["good"][measure] - 0.03


@pytest.mark.parametrize("measure", BELOW)
def test_none_is_above_the_good_one(figures, measure):
    assert all(figures[name][measure] is None or figures[name][measure] <= figures["good"][measure] for name in BROKEN)


@pytest.mark.parametrize(("measure", "broken"), [(m, b) for m, names in ABOVE.items() for b in names])
def test_more_of_what_is_bad(figures, measure, broken):
    assert figures[broken][measure] > figures["good"][measure] + 0.1


def test_what_each_is_good_at(figures):
    assert figures["always refuses"]["refusal recall"] == 1.0 and figures["always refuses"]["hallucination_rate"] == 0.0
    assert figures["always answers"]["f1"] == figures["good"]["f1"] == 1.0
    assert figures["copies the question"]["relevance"] == 0.0
    assert all(figures[name]["literal_quotes"] == 1.0 for name in figures if name != "always refuses")
