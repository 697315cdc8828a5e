"""One evaluation: generators answer questions from an index; a run folder keeps predictions, scores and the summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from eval.metrics.prediction import Figures
from eval.runs.forgetting import FILE, ask_instructions
from eval.runs.identity import generator_identity, json_digest, passage_rows, selection_identity
from eval.runs.predict import PassagesById, evidence_ranks, measure_latencies, predict, predict_closed_book, retrieve
from eval.runs.questions import Question, question_fields
from eval.runs.scored_files import SCORED
from eval.runs.scoring import score_all
from eval.runs.summary import PASSAGES, SUMMARY, TIMES, GeneratorPredictions, read_summary, summarize
from rag.answering.answerer import Answerer
from rag.core.jsonl import write_json, write_lines
from rag.core.run_folder import run_folder
from rag.core.sections import AnswerSettings, PrefixSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.factory import INDEX, open_answerer, open_generator, open_retriever
from rag.generation.base_models import BaseModels
from rag.generation.generator import Generator
from rag.models.adapters import CURVES

Latencies = dict[str, list[float]]  # seconds, by what was timed


@dataclass(frozen=True)
class Task:
    """What to evaluate.

    folder: where the run is kept. generators: the adapter of each name, None for the base model. parts: "mined",
    "unmined" or "incoming", by document id. notes: what the report says first.
    """

    folder: Path
    index: Path
    questions: list[Question]
    generators: dict[str, Path | None]
    parts: dict[str, str]
    notes: list[str]


def evaluate(settings: Settings, task: Task) -> Figures:
    """Answer and score the questions, write the run's files, and return the summary.

    run.json and NAME.scored.jsonl have the same bytes each time; times.json has not.
    """
    found, seconds = retrieve(open_retriever(settings, task.index, weights_from=INDEX), task.questions)
    ranks = {q.id: evidence_ranks(q, found[q.id]) for q in task.questions}
    passages = {id: each[: settings.section(RetrievalSettings).passages] for id, each in found.items()}
    predicted, times = predict_all(settings, task, passages)
    score_all(settings, predicted, passages, task.parts)
    for name, predictions in predicted.items():
        write_lines(task.folder / f"{name}{SCORED}", predictions.rows)
    write_lines(task.folder / PASSAGES, passage_rows(passages))
    write_json(task.folder / TIMES, {"search": seconds, "generators": times})
    write_json(task.folder / SUMMARY, {"notes": task.notes, **summarize(task.questions, ranks, predicted)})
    return read_summary(task.folder)


def predict_all(
    settings: Settings, task: Task, passages: PassagesById
) -> tuple[dict[str, GeneratorPredictions], dict[str, Latencies]]:
    """Return what each generator predicts, and its latencies; both are kept in the task's folder and made once.

    Each generator is opened by itself: the base as it is served, not as what an adapter leaves when it is inactive,
    which has that adapter's precision and way of reading passages.
    """
    # Passages are read once for all generators that read them alike.
    bases = BaseModels(settings.section(PrefixSettings))
    answerers = {
        name: open_answerer(settings, open_generator(settings, adapter, bases))
        for name, adapter in task.generators.items()
    }
    files = {name: _GeneratorFiles(task.folder, name) for name in answerers}
    longest = settings.section(AnswerSettings).max_new_tokens
    predicted = {
        name: _predict(task, passages, answerer, name, files[name], longest) for name, answerer in answerers.items()
    }
    # Latencies come last, since measuring them empties the cache.
    times = {name: _latencies(task, passages, answerer, name, files[name]) for name, answerer in answerers.items()}
    return predicted, times


def _predict(
    task: Task, passages: PassagesById, answerer: Answerer, name: str, files: _GeneratorFiles, longest: int
) -> GeneratorPredictions:
    generator, adapter = answerer.generator, task.generators[name]
    identity = generator_identity(generator, adapter)
    asked = {"questions": [question_fields(q) for q in task.questions], "passages": passage_rows(passages)}
    files.keep_only_made_of(json_digest({**asked, **selection_identity(answerer), **identity}))
    closed_book = files.path("closed-book.jsonl")
    with adapter_context(generator, adapter):
        return GeneratorPredictions(
            predict(answerer, task.questions, passages, files.path("jsonl"), name),
            predict_closed_book(generator, task.questions, longest, closed_book, f"{name}, closed book"),
            _instructions(generator, identity, name) if any(task.generators.values()) else [],
            describe_generator(generator, adapter),
        )


def _instructions(generator: Generator, identity: Figures, name: str) -> list[Figures]:
    """Ask the general instructions once for a generator, whatever the questions of the run."""
    digest = json_digest({**identity, "instructions": FILE.read_text(encoding="utf-8")})
    return ask_instructions(generator, run_folder("instructions") / f"{digest}.jsonl", f"{name}, instructions")


def _latencies(task: Task, passages: PassagesById, answerer: Answerer, name: str, files: _GeneratorFiles) -> Latencies:
    with adapter_context(answerer.generator, task.generators[name]):
        return files.times(lambda: measure_latencies(answerer, task.questions, passages))


def adapter_context(generator: Generator, adapter: Path | None) -> AbstractContextManager[None]:
    """Return a context in which the generator answers with its adapter, or without one where `adapter` is None."""
    return nullcontext() if adapter else generator.without_adapter()


def describe_generator(generator: Generator, adapter: Path | None) -> Figures:
    """Return what the report says of a generator: model, adapter, device, precision and training curves."""
    curves = adapter / CURVES if adapter else None
    return {
        "model": generator.name.split(" + ")[0],
        "adapter": str(adapter) if adapter else None,
        "device": generator.device,
        "precision": generator.precision,
        "curves": json.loads(curves.read_text(encoding="utf-8")) if curves and curves.exists() else {},
    }


class _GeneratorFiles:
    """One generator's files in a run folder: NAME.*"""

    def __init__(self, folder: Path, name: str):
        self._folder, self._name = folder, name

    def path(self, suffix: str) -> Path:
        return self._folder / f"{self._name}.{suffix}"

    def keep_only_made_of(self, digest: str) -> None:
        """Delete the files unless they were made of what has this digest."""
        mark = self.path("basis")
        if not mark.exists() or mark.read_text() != digest:
            for file in self._folder.glob(f"{self._name}.*"):
                file.unlink()
        self._folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(digest)

    def times(self, measure: Callable[[], Latencies]) -> Latencies:
        file = self.path("times.json")
        if not file.exists():
            write_json(file, measure())
        return json.loads(file.read_text())
