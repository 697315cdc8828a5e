"""Mined rows against people's: which rows and questions are compared, how the share is measured, and a whole run."""

import json
import random
import re
from dataclasses import replace

import numpy as np
import pytest

from fakes import NeutralScorer
from finetune.cli.parser import parser
from finetune.experiments import mined_vs_human, mined_vs_human_table
from finetune.experiments.held_out_questions import Prediction, held_out_questions
from finetune.experiments.mined_vs_human import MINED, PEOPLE, Comparison, match_human_rows
from finetune.experiments.mined_vs_human_table import compare, measures, refusals_at_rate, stack_predictions
from rag.answering.spans.span_selector import FittedWeights, SelectorWeights, SpanSelector
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines
from rag.core.sections import RetrievalSettings
from rag.core.settings import Settings
from rag.labels.held_out import held_out
from rag.retrieval.retriever import Retriever
from triplets import row

LEFT = next(f"tank-{n}.md" for n in range(100) if held_out(f"tank-{n}.md"))
TAUGHT = [name for n in range(12) if not held_out(name := f"crane-{n}.md")]
SELECTOR = SpanSelector(NeutralScorer(), FittedWeights(*[SelectorWeights(0, 1, 0)] * 3))
PLACES = ("the mole", "the quay", "the dock", "the yard", "the pier", "the slip")


def document(name: str) -> str:
    n = int("".join(filter(str.isdigit, name)))
    said = "".join(
        f"The winch at {place} lifts {n + k + 10} tonnes. The shed near {place} opens at 0{k + 3}:{n + 10}.\n\n"
        for k, place in enumerate(PLACES)
    )
    return f"# {name.split('.')[0]}\n\n{said}"


@pytest.fixture
def bench(tmp_path, monkeypatch, tiny_index, tiny_embedder):
    """Return a function that makes a bench of questions (document, answers), indexed with the tiny embedder."""
    monkeypatch.chdir(tmp_path)
    indexed = {}

    def make(name: str, documents: list[str], asked: list[tuple[str, list[str]]]):
        folder = tmp_path / name
        folder.mkdir()
        question = "How much does the winch at {} lift?"
        lines = [
            {"id": f"{name}{n}", "question": question.format(PLACES[n % 6]), "document": d, "answers": a}
            for n, (d, a) in enumerate(asked)
        ]
        starts = [document(line["document"]).find(line["answers"][0]) if line["answers"] else 0 for line in lines]
        (folder / "questions.jsonl").write_text(
            "".join(json.dumps({**line, "start": at}) + "\n" for line, at in zip(lines, starts, strict=True))
        )
        indexed[name] = Retriever(tiny_index({d: document(d) for d in documents}), tiny_embedder, RetrievalSettings())
        return folder

    monkeypatch.setattr(mined_vs_human, "index_bench", lambda settings, folder, place: indexed[folder.name])
    monkeypatch.setattr(
        mined_vs_human,
        "open_span_selector",
        lambda settings: SELECTOR,
    )
    make.indexed = indexed
    return make


def test_people_give_as_many_of_each_kind_as_were_mined_and_none_twice():
    people = [row(n, n % 2) for n in range(40)]
    mined = [row(n, n > 102) for n in range(100, 108)]
    chosen, dev = match_human_rows(people, mined, [row(1000)] * 5, random.Random(0))
    assert [sum(bool(r.cited) == kind for r in chosen) for kind in (True, False)] == [5, 3]
    assert len(dev) == 5 and not {r.id for r in dev} & {r.id for r in chosen}
    with pytest.raises(TrainingError, match="asked 20 such questions, and 21 were mined"):
        match_human_rows(people, [row(n) for n in range(21)], [], random.Random(0))


def test_only_what_is_left_out_of_training_is_asked_and_again_without_its_passage(bench):
    folder = bench("half", [LEFT, *TAUGHT], [(LEFT, ["tonnes"]), (TAUGHT[0], ["tonnes"]), (LEFT, ["tonnes"])])
    asked = list(held_out_questions(folder, bench.indexed["half"], SELECTOR, 5))
    assert {(a.id, a.answers) for a in asked} == {
        ("half0", ("tonnes",)),
        ("half0 without", ()),
        ("half2", ("tonnes",)),
        ("half2 without", ()),
    }
    assert all("tonnes" not in p.chunk.text for a in asked if not a.answers for p in a.passages) and all(
        a.passages for a in asked if a.answers
    )
    people = bench("two", [LEFT], [(LEFT, ["tonnes"]), (LEFT, []), (LEFT, [])])
    asked = list(held_out_questions(people, bench.indexed["two"], SELECTOR, 1))
    assert [bool(a.answers) for a in asked] == [True, False], (
        "people's own unanswerable questions, as many as are wanted"
    )
    with pytest.raises(TrainingError, match="no answerable question about a document that is left out"):
        list(held_out_questions(bench("none", TAUGHT, [(TAUGHT[0], ["tonnes"])]), bench.indexed["two"], None, 5))


def predictions(f1s, margins, confidences=None, answerable=4) -> list[Prediction]:
    confidences = confidences or [0.5] * len(f1s)
    return [
        Prediction(str(n), n < answerable, f1, margin, f1, confidence)
        for n, (f1, margin, confidence) in enumerate(zip(f1s, margins, confidences, strict=True))
    ]


def test_f1_and_refusal_f1_by_each_rule_of_refusal():
    h = stack_predictions([predictions([1, 0.5, 0, 1, 0, 0], [-3, -2, 1, 2, 3, -1], [0.9, 0.1, 0.9, 0.9, 0.1, 0.9])])
    value = {name: measure(h) for name, measure in measures(0.2).items()}
    assert value["generator alone: F1 of the likeliest span"] == 2.5 / 4
    assert value["generator alone: F1 by its own decision to refuse"] == 1.5 / 4, "two of the four are refused"
    assert value["generator alone: refusal F1 by its own decision"] == pytest.approx(2 * 1 / (3 + 2))
    assert value["served: F1 at 0.2"] == 2 / 4 and value["served: refusal F1 at 0.2"] == pytest.approx(2 * 1 / (2 + 2))
    assert refusals_at_rate(h, h.refusal_margin, 0.5).tolist() == [[False, False, False, False, True, False]]
    assert value["generator alone: F1 where 0.5 of the unanswerable are refused"] == 2.5 / 4
    assert refusals_at_rate(h, h.refusal_margin, 1.0).tolist() == [[False, False, True, True, True, True]]


def test_trainings_are_averaged_and_the_share_has_an_interval(monkeypatch):
    monkeypatch.setattr(mined_vs_human_table, "SAMPLES", 100)
    rng = np.random.default_rng(0)
    good = [
        predictions(rng.integers(0, 2, 80).tolist(), rng.normal(0, 1, 80).tolist(), answerable=60) for _ in range(2)
    ]
    poor = [[replace(p, f1=p.f1 / 2, served_f1=p.served_f1 / 2) for p in each] for each in good]
    mined, people, base = map(stack_predictions, (poor, good, poor[:1]))
    rows = {r["measure"]: r for r in compare(mined, people, base, 0.2)}
    forced = rows["generator alone: F1 of the likeliest span"]
    assert forced["people"] == pytest.approx(np.mean([[s.f1 for s in each if s.answerable] for each in good]), abs=1e-3)
    assert forced["share"] == [0.5, 0.5, 0.5], "half of it on every question, so in every sample"
    assert forced["above base"][0] == pytest.approx(forced["mined"] - forced["base"], abs=2e-3)
    assert forced["above base"][1] < forced["above base"][0] < forced["above base"][2]
    assert "50% [50%, 50%]" in mined_vs_human_table.as_text(list(rows.values()))


def test_mined_against_people_with_a_tiny_model(bench, tiny_model, tiny_generator):
    folder = bench("half", [LEFT, *TAUGHT], [(LEFT, re.findall(r"\d+ tonnes", document(LEFT))[:1])] * 2)
    homes = [TAUGHT[n % len(TAUGHT)] for n in range(120)]
    other = bench(
        "other",
        TAUGHT,
        [(home, [] if n % 3 == 0 else re.findall(r"\d+ tonnes", document(home))[:1]) for n, home in enumerate(homes)],
    )
    training = ["model.precision=float32", "sft.rank=4", "sft.epochs=2", "sft.batch=2"]
    mining = [
        "mine.candidates=24",
        "mine.multihop=0",
        "mine.unanswerable=0.2",
        "mine.without=answered_otherwise,near_duplicate",
    ]
    settings = Settings([f"model.generator={tiny_model}", *training, *mining])
    comparison = Comparison(settings, folder, other, "t", 2)
    mined = comparison.mine_rows(tiny_generator, None, 0)
    found = {kind: comparison.predict_tuned(kind, mined, 0) for kind in (MINED, PEOPLE)}
    assert (
        [s.id for s in found[MINED]]
        == [s.id for s in found[PEOPLE]]
        == [s.id for s in comparison.predict_base()]
        == [a.id for a in comparison.questions]
    )
    assert [s.refusal_margin for s in found[MINED]] != [s.refusal_margin for s in found[PEOPLE]], "two adapters"
    kept = read_lines(mined.folder / "train.jsonl")
    before = (mined.folder.parent / "mined-0" / "predictions.jsonl").stat().st_mtime_ns
    again = Comparison(settings, folder, other, "t", 2)
    assert (
        again.predict_tuned(MINED, again.mine_rows(None, None, 0), 0) == found[MINED]
        and read_lines(mined.folder / "train.jsonl") == kept
    )
    assert (mined.folder.parent / "mined-0" / "predictions.jsonl").stat().st_mtime_ns == before, (
        "what is there is not made twice"
    )


def test_an_adapter_that_is_no_question_writer_is_refused_before_anything_is_made(bench, tiny_model, tmp_path):
    folder, other = bench("half", [LEFT], [(LEFT, ["tonnes"])]), bench("other", TAUGHT, [(TAUGHT[0], ["tonnes"])])
    args = parser().parse_args(["against-people", str(folder), str(other), "--writer", str(tmp_path / "none")])
    with pytest.raises(
        TrainingError, match=f"none is no question writer for this base: python -m finetune writer {other}"
    ):
        args.work(args, Settings([f"model.generator={tiny_model}"]))
    assert not (tmp_path / "var" / "runs").exists()
