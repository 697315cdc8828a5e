"""Which trained component earned what: every combination of old and new components answers the same held-out questions, people's where there are enough."""

from __future__ import annotations

import itertools
import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eval.metrics import ranking
from eval.metrics.answer_metrics import measure_answer
from eval.metrics.statistics import Difference, mean, paired_bootstrap, percentile
from eval.promotion.stages import development, incumbent
from eval.runs.generators import newest_adapter
from eval.runs.identity import generator_identity, json_digest, passage_rows, selection_identity
from eval.runs.predict import SEARCH_DEPTH, PassagesById, chunk_holds, evidence_ranks, predict, retrieve
from eval.runs.questions import Evidence, Question, question_fields
from eval.runs.trial_embedder import trial_retrievers
from rag.core.errors import EvaluationError
from rag.core.jsonl import read_lines, write_json
from rag.core.run_folder import run_folder
from rag.core.sections import PrefixSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.factory import (
    open_answerer,
    open_embedder,
    open_generator,
    open_index_embedder,
    open_reranker,
    open_store,
    open_trained_reranker,
)
from rag.generation.kv_cache import make_prefix_cache
from rag.models.registry import weights_digest

OLD = "old"  # the cell with nothing new
GENERATOR, EMBEDDER, RERANKER = "generator", "embedder", "reranker"
RETRIEVAL = {EMBEDDER: "corpus-embedder", RERANKER: "corpus-reranker"}  # component: the stage that trains it
ANSWERED = ("answerable", "joined", "not retrieved")  # kinds of rows that a passage of the index answers
LEFT_OUT = "left out"  # and of those that one would, were it shown
ASKED_IN_VAIN = "unanswerable"  # imported questions that nothing answers
PEOPLE = 20  # of their other questions from which on they alone decide
ORDERED = {"MRR": ranking.mean_reciprocal_rank, "recall@3": lambda ranks: ranking.recall_at(ranks, 3)}

Cell = tuple[str, ...]  # the new components in it
Values = dict[Cell, list[float]]  # a value for each question


@dataclass(frozen=True)
class Held:
    """A held-out question, with the passage that it was written from, or that is nearest to it, as its evidence. left_out: whether that passage is taken out
    of what is shown. answered: whether what is shown can answer it; else the right answer is the refusal."""

    question: Question
    left_out: bool
    answered: bool

    @property
    def asked(self) -> Question:
        return self.question if self.answered else replace(self.question, answers=(), evidence=())


def attribute(settings: Settings, run: str, index: Path) -> dict[str, Any]:
    """Ask every cell, what is live now against what the run has trained; -> cells, tests and each component's verdict, also in attribution/run.json.
    What was answered stays for the next time. Raises EvaluationError when the run has trained nothing."""
    new, (held, whose) = trained(run), held_of(run)
    if not new:
        raise EvaluationError(f"run {run} has trained nothing: python -m finetune train --run {run}")
    (run_folder(run) / "attribution" / "run.json").unlink(missing_ok=True)  # an older verdict must not pass for this one's
    found, ordered, seconds = search(settings, index, held, new.get(EMBEDDER), new.get(RERANKER))
    scores = answer(settings, held, found, new.get(GENERATOR), run_folder(run) / "attribution")
    told = {"run": run, "n": len(held), "questions": whose, "search_ms": {_name(c): round(1000 * percentile(s, 50), 1) for c, s in seconds.items()},
            **judged(scores, ordered, new)}  # fmt: skip
    write_json(run_folder(run) / "attribution" / "run.json", told)
    return told


def trained(run: str) -> dict[str, Path]:
    """-> component: the folder of the run's new weights. Of the generator's stages, the one that python -m eval dev found best, else the last."""
    dev = run_folder(run) / "dev" / "run.json"
    adapter = Path(json.loads(dev.read_text(encoding="utf-8"))["adapter"]) if dev.exists() else newest_adapter(run)
    delta = {name: run_folder(run) / stage for name, stage in RETRIEVAL.items()}
    found = {
        GENERATOR: adapter,
        **{name: stage / "weights" if (stage / "run.json").exists() else None for name, stage in delta.items()},
    }
    return {name: folder for name, folder in found.items() if folder}


def held_of(run: str) -> tuple[list[Held], str]:
    """-> the run's development questions, and whose: of imported files alone where these have PEOPLE at least, since mined ones, of which most are the sentence
    itself, flatter what was trained on their like (eval/LOG.md)."""
    held = read_held(development(run))
    people = {row["id"] for path in sorted(run_folder(run).glob("import/*/dev.jsonl")) for row in read_lines(path)}
    theirs = [h for h in held if h.question.id in people]
    return (theirs, "people's") if sum(h.question.kind != ASKED_IN_VAIN for h in theirs) >= PEOPLE else (held, "mined")


def read_held(path: Path) -> list[Held]:
    if not path.exists():
        raise EvaluationError(f"there is no {path}: python -m finetune mine")
    return [
        Held(
            Question(r["id"], r["question"], (r["answer"],), r["document"], (Evidence(r["document"], *r["gold"]),), r["kind"]),
            r["kind"] == LEFT_OUT, r["kind"] in ANSWERED,
        )
        for r in read_lines(path)
    ]  # fmt: skip


def search(
    settings: Settings, index: Path, held: list[Held], reading: Path | None, ordering: Path | None
) -> tuple[dict[Cell, PassagesById], dict[str, Values], dict[Cell, list[float]]]:
    """reading, ordering: what was trained of embedder and cross-encoder. -> what each pair of the two shows; measure -> cell -> value a question of the orders
    themselves, judged by questions that a passage answers (others were kept because the live order has their passage on top); seconds of each search."""
    record, own = open_store(settings, index), settings.section(RetrievalSettings)
    embedders = {
        (): open_index_embedder(settings, record),
        **({(EMBEDDER,): open_embedder(settings, reading)} if reading else {}),
    }
    rerankers = {
        (): open_reranker(settings),
        **({(RERANKER,): open_trained_reranker(settings, ordering)} if ordering else {}),
    }
    shown, values, seconds = {}, {name: {} for name in ORDERED}, {}
    made = {cell: trial_retrievers(record, embedder, own) for cell, embedder in embedders.items()}
    for (first, retriever), (second, reranker) in itertools.product(made.items(), rerankers.items()):
        cell = (*first, *second)
        passages, seconds[cell] = retrieve(retriever(reranker), [h.question for h in held])
        ranks = [evidence_ranks(h.question, passages[h.question.id][:SEARCH_DEPTH]) for h in held if h.answered or h.left_out]
        for name, of in ORDERED.items():
            values[name][cell] = [of([pieces]) for pieces in ranks]
        shown[cell] = {h.question.id: _shown(h, passages[h.question.id], own.passages) for h in held}
    return shown, values, seconds


def _shown(held: Held, passages: list, count: int) -> list:
    return [p for p in passages if not (held.left_out and chunk_holds(p.chunk, held.question.evidence[0]))][:count]


def answer(
    settings: Settings, held: list[Held], shown: dict[Cell, PassagesById], adapter: Path | None, folder: Path
) -> Values:
    """-> F1 over all questions (SQuAD 2.0) of every cell. The old generator is the live one, else the reader that ships, else the base alone."""
    cache, scores = make_prefix_cache(settings.section(PrefixSettings)), {}
    old = next(iter(incumbent(settings).values()), None)
    for extra, wanted in {(): old, **({(GENERATOR,): adapter} if adapter else {})}.items():
        answerer = open_answerer(settings, open_generator(settings, wanted, cache))
        for cell, found in shown.items():
            whole = (*extra, *cell)
            basis = json_digest(
                {
                    "shown": passage_rows(found),
                    "asked": [question_fields(h.asked) for h in held],
                    **selection_identity(answerer),
                    **generator_identity(answerer.generator, wanted),
                }
            )
            with nullcontext() if wanted else answerer.generator.without_adapter():
                rows = predict(
                    answerer, [h.asked for h in held], found, folder / f"{_name(whole)}-{basis}.jsonl", _name(whole)
                )
            if any(row.get("error") for row in rows):
                raise EvaluationError(
                    f"some questions failed in {folder}/{_name(whole)}-{basis}.jsonl; see the error there"
                )
            scores[whole] = [measure_answer(row)["measures"]["squad2_f1"] for row in rows]
    return scores


def judged(scores: Values, ordered: dict[str, Values], new: dict[str, Path]) -> dict[str, Any]:
    """-> the means of every cell, and each component's verdict by its paired tests. The generator must answer better; embedder and reranker must order better
    (MRR), and be shown to be worse neither at recall@3 nor in the answers."""
    tests: dict[str, dict[str, Difference]] = {}
    for name in new:
        of = {"F1 over all questions": scores} if name == GENERATOR else {**ordered, "F1 over all questions": scores}
        tests[name] = {measure: effect(values, name) for measure, values in of.items()}
    means = {
        _name(c): {
            "f1": mean(v),
            **{m: mean(values[tuple(x for x in c if x != GENERATOR)]) for m, values in ordered.items()},
        }
        for c, v in scores.items()
    }
    return {"cells": means, "tests": {n: {m: asdict(d) for m, d in t.items()} for n, t in tests.items()},
            "verdicts": {n: verdict(n, t, new[n]) for n, t in tests.items()}}  # fmt: skip


def effect(values: Values, component: str) -> Difference:
    """-> what the component adds: of each question, the mean over the cells with it minus that over the same cells without it (main effect of a factorial
    design; Fisher, The Design of Experiments, 1935), with its paired interval."""
    with_it = [cell for cell in values if component in cell]
    without = [tuple(c for c in cell if c != component) for cell in with_it]
    a, b = (
        [sum(column) / len(column) for column in zip(*(values[cell] for cell in cells), strict=True)]
        for cells in (without, with_it)
    )
    return paired_bootstrap(a, b)


def verdict(component: str, tests: dict[str, Difference], folder: Path) -> dict[str, Any]:
    """-> whether to promote, with the sentence that says why. The first test must be won, none may be lost."""
    first, worse = next(iter(tests.values())), [measure for measure, d in tests.items() if d.high < 0]
    promote = first.low > 0 and not worse
    said = (
        "is better than what was live"
        if promote
        else f"is worse at {worse[0]}"
        if worse
        else "is not shown to be better than what was live"
    )
    figures = "; ".join(f"{measure} {difference}" for measure, difference in tests.items())
    return {
        "promote": promote,
        "folder": str(folder),
        "weights": weights_digest(component, folder),
        "sentence": f"the trained {component} {said}: {figures}",
    }


def as_text(told: dict[str, Any]) -> str:
    """-> the cells as a table in Markdown, then each component's verdict."""
    title = f"{told['n']} held-out questions ({told['questions']}) of run {told['run']}; {OLD} is what was live"
    lines = [title, "", f"| new | F1 over all | {' | '.join(ORDERED)} |",
             f"| {'--- | ' * (len(ORDERED) + 2)}".strip()]  # fmt: skip
    lines += [
        f"| {name} | {' | '.join(f'{value:.3f}' for value in cell.values())} |" for name, cell in told["cells"].items()
    ]
    lines += ["", *(f"{'promote' if v['promote'] else 'keep'}: {v['sentence']}" for v in told["verdicts"].values())]
    return "\n".join([*lines, f"milliseconds a search, median: {told['search_ms']}"])


def _name(cell: Cell) -> str:
    return "+".join(cell) or OLD
