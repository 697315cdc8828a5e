"""One evaluation: questions, an index, generators -> predictions, scores, summary and report in a run folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.metrics.answer_metrics import cited_span, measure_answer
from eval.metrics.groundedness import Cited, add_support, open_meaning
from eval.metrics.relevance import add_relevance
from eval.runs.compare import SCORED
from eval.runs.forgetting import FILE, follow
from eval.runs.predict import Shown, evidence_ranks, latencies, predict, predict_closed_book, retrieve
from eval.runs.questions import Question, question_fields
from eval.runs.summary import PASSAGES, SUMMARY, TIMES, Answered, read_summary, summarize
from rag.answering.answerer import Answerer, AnswerSettings
from rag.core.errors import EvaluationError, OutdatedIndexError
from rag.core.jsonl import write_json, write_lines
from rag.core.settings import Settings
from rag.documents.discovery import find_files
from rag.factory import (
    live_adapter,
    open_answerer,
    open_embedder,
    open_generator,
    open_index_for_writing,
    open_retriever,
)
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.generation.prefill import PrefixSettings
from rag.index.indexing import IndexingSettings, remove, sync
from rag.index.writer import StoreWriter
from rag.models.adapters import CURVES
from rag.retrieval.retriever import RetrievalSettings

RUNS = Path("var/runs")


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


def newest_adapter(run: str) -> Path | None:
    """-> the adapter of the run's last finished stage."""
    return next(
        (RUNS / run / stage / "adapter" for stage in ("dpo", "sft") if (RUNS / run / stage / "run.json").exists()), None
    )


def tuned_adapter(given: Path | None) -> Path:
    """-> the adapter to measure: the one given, else the live one, else the newest of make train. Raises EvaluationError when there is none."""
    found = given or live_adapter() or newest_adapter("default")
    if found is None:
        raise EvaluationError("there is no tuned adapter: make train, or evaluate --generators base")
    return found


def build_index(settings: Settings, folder: Path, documents: list[Path]) -> None:
    """Index the folders for an evaluation, in an index of its own; unchanged documents cost nothing, those that are gone, or of other folders, leave it.
    One of other models or an earlier chunker is made anew: it holds nothing that is not in the folders."""
    try:
        store, embedder = open_index_for_writing(settings, folder)
    except OutdatedIndexError:
        StoreWriter.destroy(folder)
        store, embedder = open_index_for_writing(settings, folder)
    own = {
        str(path.resolve()) for target in documents for path, _ in find_files(target)
    }  # as the store names them: a link's file may lie elsewhere
    if strays := [id for id, (source, _) in store.documents().items() if source not in own]:
        remove(store, strays)
    for target in documents:
        report = sync(store, embedder, target, IndexingSettings.of(settings))
        for skipped in report.skipped:
            print(f"left out: {skipped.path}: {skipped.reason}")
    store.close()


def evaluate(settings: Settings, task: Task) -> dict[str, Any]:
    """Answer and measure; -> the summary. In the task's folder, run.json and the NAME.scored.jsonl are the same each time; times.json is not."""
    passages, seconds = retrieve(open_retriever(settings, task.index), task.questions)
    ranks = {q.id: evidence_ranks(q, passages[q.id]) for q in task.questions}
    shown = {id: found[: settings.section("retrieval", RetrievalSettings).passages] for id, found in passages.items()}
    answered, times = answer_all(settings, task, shown)
    score_all(settings, answered, shown, task.parts)
    for name, said in answered.items():
        write_lines(task.folder / f"{name}{SCORED}", said.rows)
    write_lines(task.folder / PASSAGES, passage_rows(shown))
    write_json(task.folder / TIMES, {"search": seconds, "generators": times})
    write_json(task.folder / SUMMARY, {"notes": task.notes, **summarize(task.questions, ranks, answered)})
    return read_summary(task.folder)


def answer_all(settings: Settings, task: Task, shown: Shown) -> tuple[dict[str, Answered], dict[str, Any]]:
    """-> what each generator said, and its times, which are measured once and then kept like its answers. The base speaks as it would be served: of itself, not
    as what an adapter leaves when it is switched off, whose precision and way of reading passages are the adapter's."""
    cache = settings.section(
        "prefix", PrefixSettings
    ).cache()  # passages are read once for all generators that read alike
    speakers = {
        name: open_answerer(settings, open_generator(settings, adapter, cache))
        for name, adapter in task.generators.items()
    }
    longest, instructions = settings.section("answer", AnswerSettings).max_new_tokens, FILE.read_text(encoding="utf-8")
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
        with speaking(generator, adapter):
            answered[name] = Answered(
                predict(answerer, task.questions, shown, keep.file("jsonl"), name),
                predict_closed_book(
                    generator, task.questions, longest, keep.file("closed-book.jsonl"), f"{name}, closed book"
                ),
                follow(generator, general, f"{name}, instructions") if any(task.generators.values()) else [],
                describe_generator(generator, adapter),
            )
    times = {}  # measured last, since that forgets the passages read
    for name, adapter in task.generators.items():
        with speaking(speakers[name].generator, adapter):
            times[name] = keeps[name].times(lambda answerer=speakers[name]: latencies(answerer, task.questions, shown))
    return answered, times


def speaking(generator: Generator, adapter: Path | None) -> Any:
    """-> a context in which the generator speaks with its adapter, or as the base where none is meant."""
    return nullcontext() if adapter else generator.base()


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


def score_all(settings: Settings, answered: dict[str, Answered], shown: Shown, parts: dict[str, str]) -> None:
    """Give every answer its measures and the part of the corpus that it is about."""
    passages = [p.chunk for found in shown.values() for p in found]
    cited = {
        (chunk.document, chunk.start, chunk.end): Cited(chunk.text, " > ".join(chunk.headings or (chunk.title,)))
        for chunk in passages
    }
    meaning, embedder = open_meaning(settings), open_embedder(settings)

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


def generator_identity(generator: Generator, adapter: Path | None) -> dict[str, Any]:
    """-> all of a generator that decides what it says."""
    return {
        "model": generator.digest,
        "device": generator.device,
        "precision": generator.precision,
        "apart": generator.apart,
        "prompts": [prompt.fingerprint(generator.tokenizer), prompt.CLOSED_BOOK],
        "adapter": hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
        if adapter
        else None,
    }


def selection_identity(answerer: Answerer) -> dict[str, Any]:
    """-> all that decides which of a generator's words are shown."""
    chooser = answerer.chooser
    weights = [dataclasses.asdict(kept) for kept in (chooser.choosing, chooser.trust)] if chooser else None
    return {"answer": dataclasses.asdict(answerer.settings), "chooser": weights,
            "boundaries": chooser.boundaries.digest if chooser else None}  # fmt: skip


def passage_rows(shown: Shown) -> list[dict[str, Any]]:
    return [{"id": id, "passages": [dataclasses.asdict(p.chunk) for p in found]} for id, found in shown.items()]


def json_digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
