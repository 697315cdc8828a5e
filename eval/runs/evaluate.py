"""One evaluation: questions, an index, generators -> predictions, scores, summary and report in a run folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.metrics.answer_metrics import cited_span, measure_answer
from eval.metrics.groundedness import CitedPassage, add_support, open_support_model
from eval.metrics.relevance import add_relevance
from eval.runs.compare import SCORED
from eval.runs.forgetting import FILE, ask_instructions
from eval.runs.identity import generator_identity, json_digest, passage_rows, selection_identity
from eval.runs.predict import PassagesById, evidence_ranks, measure_latencies, predict, predict_closed_book, retrieve
from eval.runs.questions import Question, question_fields
from eval.runs.summary import PASSAGES, SUMMARY, TIMES, GeneratorPredictions, read_summary, summarize
from rag.core.jsonl import write_json, write_lines
from rag.core.run_folder import RUNS
from rag.core.sections import AnswerSettings, PrefixSettings, RetrievalSettings
from rag.core.settings import Settings
from rag.factory import (
    open_answerer,
    open_embedder,
    open_generator,
    open_retriever,
)
from rag.generation.generator import Generator
from rag.generation.kv_cache import make_prefix_cache
from rag.models.adapters import CURVES


@dataclass(frozen=True)
class Task:
    """What to evaluate. generators: name to adapter, None for the base model. parts: document id to "mined", "unmined" or "incoming". notes: what
    the report says first."""

    folder: Path
    index: Path
    questions: list[Question]
    generators: dict[str, Path | None]
    parts: dict[str, str]
    notes: list[str]


def evaluate(settings: Settings, task: Task) -> dict[str, Any]:
    """Answer and measure; -> the summary. In the task's folder, run.json and the NAME.scored.jsonl are the same each time; times.json is not."""
    passages, seconds = retrieve(open_retriever(settings, task.index), task.questions)
    ranks = {q.id: evidence_ranks(q, passages[q.id]) for q in task.questions}
    shown = {id: found[: settings.section(RetrievalSettings).passages] for id, found in passages.items()}
    answered, times = answer_all(settings, task, shown)
    score_all(settings, answered, shown, task.parts)
    for name, said in answered.items():
        write_lines(task.folder / f"{name}{SCORED}", said.rows)
    write_lines(task.folder / PASSAGES, passage_rows(shown))
    write_json(task.folder / TIMES, {"search": seconds, "generators": times})
    write_json(task.folder / SUMMARY, {"notes": task.notes, **summarize(task.questions, ranks, answered)})
    return read_summary(task.folder)


def answer_all(
    settings: Settings, task: Task, shown: PassagesById
) -> tuple[dict[str, GeneratorPredictions], dict[str, Any]]:
    """-> what each generator said, and its times, which are measured once and then kept like its answers. The base speaks as it would be served: of itself, not
    as what an adapter leaves when it is switched off, whose precision and way of reading passages are the adapter's."""
    cache = make_prefix_cache(
        settings.section(PrefixSettings)
    )  # passages are read once for all generators that read alike
    speakers = {
        name: open_answerer(settings, open_generator(settings, adapter, cache))
        for name, adapter in task.generators.items()
    }
    longest, instructions = settings.section(AnswerSettings).max_new_tokens, FILE.read_text(encoding="utf-8")
    keeps, answered = {name: _Keep(task.folder, name) for name in speakers}, {}
    for name, adapter in task.generators.items():
        answerer, keep, generator = speakers[name], keeps[name], speakers[name].generator
        speaker = generator_identity(generator, adapter)
        keep.claim(
            json_digest(
                {
                    "questions": [question_fields(q) for q in task.questions],
                    "passages": passage_rows(shown),
                    **selection_identity(answerer),
                    **speaker,
                }
            )
        )
        general = (
            RUNS / "instructions" / f"{json_digest({**speaker, 'instructions': instructions})}.jsonl"
        )  # asked once, whatever the questions
        with adapter_context(generator, adapter):
            answered[name] = GeneratorPredictions(
                predict(answerer, task.questions, shown, keep.file("jsonl"), name),
                predict_closed_book(
                    generator, task.questions, longest, keep.file("closed-book.jsonl"), f"{name}, closed book"
                ),
                ask_instructions(generator, general, f"{name}, instructions") if any(task.generators.values()) else [],
                describe_generator(generator, adapter),
            )
    times = {}  # measured last, since that forgets the passages read
    for name, adapter in task.generators.items():
        with adapter_context(speakers[name].generator, adapter):
            times[name] = keeps[name].times(
                lambda answerer=speakers[name]: measure_latencies(answerer, task.questions, shown)
            )
    return answered, times


def adapter_context(generator: Generator, adapter: Path | None) -> Any:
    """-> a context in which the generator speaks with its adapter, or as the base where none is meant."""
    return nullcontext() if adapter else generator.without_adapter()


def describe_generator(generator: Generator, adapter: Path | None) -> dict[str, Any]:
    """-> what the report says of the generator, the adapter's training curves among it."""
    curves = (
        json.loads((adapter / CURVES).read_text(encoding="utf-8")) if adapter and (adapter / CURVES).exists() else {}
    )
    found = {
        "model": generator.name.split(" + ")[0],
        "adapter": str(adapter) if adapter else None,
        "device": generator.device,
    }
    return {**found, "precision": generator.precision, "curves": curves}


def score_all(
    settings: Settings, answered: dict[str, GeneratorPredictions], shown: PassagesById, parts: dict[str, str]
) -> None:
    """Give every answer its measures and the part of the corpus that it is about."""
    passages = [p.chunk for found in shown.values() for p in found]
    cited = {
        (chunk.document, chunk.start, chunk.end): CitedPassage(chunk.text, " > ".join(chunk.headings or (chunk.title,)))
        for chunk in passages
    }
    meaning, embedder = open_support_model(settings), open_embedder(settings)

    def source(row: dict, citation: dict) -> str:
        document, start, end = cited_span(row, citation)
        return cited[document, start, end].text[citation["start"] - start : citation["end"] - start]

    for said in answered.values():
        add_support(
            said.rows, [[cited[cited_span(row, c)] for c in row.get("cited", ())] for row in said.rows], meaning
        )
        said.rows[:] = [{**measure_answer(row, source), "part": parts.get(row["document"], "all")} for row in said.rows]
        add_relevance(said.rows, embedder)


class _Keep:
    """One generator's files in a run folder: NAME.*"""

    def __init__(self, folder: Path, name: str):
        self._folder, self._name = folder, name

    def file(self, what: str) -> Path:
        return self._folder / f"{self._name}.{what}"

    def claim(self, digest: str) -> None:
        """Keep earlier files only if they were made on the same basis."""
        mark = self.file("basis")
        if not mark.exists() or mark.read_text() != digest:
            for file in self._folder.glob(f"{self._name}.*"):
                file.unlink()
        self._folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(digest)

    def times(self, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        file = self.file("times.json")
        if not file.exists():
            write_json(file, measure())
        return json.loads(file.read_text())
