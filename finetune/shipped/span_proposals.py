"""What reader and boundaries propose for people's questions, right and wrong: the near misses that cross-encoder and chooser learn from."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from finetune.shipped.bench import held_out, index_bench
from rag.answering import answer_type
from rag.answering.span_scorer import SHIPPED, SpanScorer, best_span_paths
from rag.answering.span_selector import PLACES_PER_SPAN
from rag.core.jsonl import digest_of, read_lines, resumable_map
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.core.text_metrics import token_f1
from rag.factory import open_generator, open_span_scorer
from rag.generation import prompt, span_search
from rag.generation.generator import Generator
from rag.models.adapters import SHIPPED_READER
from rag.models.cross_encoder import claim_and_evidence
from rag.models.weight_delta import DELTA_FILE
from rag.retrieval.retriever import Retriever

STAGE = Stage("reader", "proposals")
ALL, MEASURING = "all", "measuring"


@dataclass(frozen=True)
class SpanProposal:
    """A span for a question. question: its id; asked: its words. passage: where boundaries read it: start and end are the span's characters
    there. claim, evidence: what the cross-encoder reads of the span. logprob: the span's natural log-probability. f1: token F1
    against the acceptable answers, 0 where there are none."""

    question: str
    document: str
    answerable: bool
    asked: str
    passage: str
    start: int
    end: int
    claim: str
    evidence: str
    logprob: float
    f1: float


def propose_spans(
    settings: Settings, bench: Path, part: str = ALL, adapter: Path | None = SHIPPED_READER
) -> list[SpanProposal]:
    """-> what the shipped reader and boundaries propose for the bench's questions, or for those on documents that only measure, on the passages that the
    serving retriever finds among its documents; kept in var/runs/reader/proposals, a line a question, for the next that asks and after a kill. adapter: None for the base model."""
    questions = [asked for asked in read_lines(bench / "questions.jsonl") if part == ALL or held_out(asked["document"])]
    name = f"{bench.name}-{part}" if adapter else f"{bench.name}-{part}-base"
    path = STAGE.folder / f"{name}-{_basis(settings, bench)}.jsonl"
    parts: list[Any] = []

    def work(asked: dict) -> list[dict]:
        if not parts:  # loaded for what is new
            parts.extend(
                (
                    open_generator(settings, adapter),
                    open_span_scorer(settings),
                    index_bench(settings, bench, STAGE.folder),
                )
            )
        return [*_of(asked, *parts)]

    return [
        SpanProposal(**line)
        for lines in resumable_map(path, questions, work, f"proposing, {bench.name}")
        for line in lines
    ]


def _basis(settings: Settings, bench: Path) -> str:
    """-> what proposals depend on, as 12 hex digits: weights and rules, documents and questions, settings, and the form in which they are kept."""
    form = ["a line a question", *(field.name for field in fields(SpanProposal)), *settings.overrides]
    return digest_of(
        form,
        [*proposal_files(), *sorted(filter(Path.is_file, (bench / "documents").rglob("*"))), bench / "questions.jsonl"],
    )


def proposal_files() -> list[Path]:
    """-> the files that decide what is proposed for a passage: weights of reader and boundaries, rules."""
    rules = (Path(inspect.getfile(rule)) for rule in (span_search, answer_type, best_span_paths))
    return [SHIPPED_READER / "adapter_model.safetensors", SHIPPED / DELTA_FILE, *rules]


def _of(asked: dict, generator: Generator, boundaries: SpanScorer, retriever: Retriever) -> Iterator[dict]:
    question = asked["question"]
    chunks = [p.chunk for p in retriever.search(question)]
    scores = boundaries.score(question, [chunk.search_text for chunk in chunks])
    prompted, kind = prompt.render(generator.tokenizer, question, chunks), answer_type.expected_type(question)
    best_scored = partial(best_span_paths, scores=scores, chunks=chunks)
    for span in generator.propose_spans(prompted, chunks, [], kind, best_scored)[0]:
        for place in span.places[:PLACES_PER_SPAN]:
            chunk = chunks[place.passage - 1]
            text = place.text(chunk)
            claim, evidence = claim_and_evidence(question, text, chunk, place.sentence)
            f1 = token_f1(text, asked["answers"]) if asked["answers"] else 0.0
            start, end = chunk.search_offset(place.start), chunk.search_offset(place.end)
            about = (asked["id"], asked["document"], bool(asked["answers"]), question)
            yield asdict(SpanProposal(*about, chunk.search_text, start, end, claim, evidence, span.logprob, f1))
