"""Spans that generator and span scorer propose for people's questions, right ones and wrong ones.

Cross-encoder and span selector learn from them: the wrong ones are the near misses of real use.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from finetune.shipped.bench import bench_files, index_bench, read_questions
from rag.answering.evidence.grounding import MIN_SUPPORT, support
from rag.answering.spans.span_paths import best_span_paths
from rag.answering.spans.span_selector import PLACES_PER_SPAN
from rag.answering.wording.answer_type import expected_type
from rag.core.jsonl import digest_of, resumable_map
from rag.core.run_folder import Stage
from rag.core.sections import ChunkSettings
from rag.core.settings import Settings
from rag.core.text_metrics import token_f1
from rag.documents.identity import chunker_identity
from rag.encoder_factory import open_span_scorer, reads_large
from rag.factory import open_generator
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.labels.held_out import held_out
from rag.models import span_scorer
from rag.models.adapters import IDENTITY, SHIPPED_READER
from rag.models.cross_encoder import claim_and_evidence
from rag.models.span_scorer import SpanScorer
from rag.models.weight_delta import DELTA_FILE
from rag.retrieval.retriever import Retriever

STAGE = Stage("reader", "proposals")
ALL, HELD_OUT = "all", "held-out"  # which questions: of all documents, or of those held out
# Raise it by hand when a rule changes what is proposed or retrieved for the same documents, questions, settings and
# weights: search and fusion, the prompt, the expected type of answer, the search for spans, the span scorer's spans,
# token F1. Not for a comment or a new name. Chunking and parsers have a version of their own (`chunker_identity`).
PROPOSALS_VERSION = "4"


@dataclass(frozen=True)
class SpanProposal:
    """A span that was proposed for a question.

    document, answerable: of the question. passage: the text in which the span scorer reads it; start and end are its
    characters there. claim, evidence: how the cross-encoder reads it. logprob: its natural log-probability, by the
    generator. f1: token F1 against the acceptable answers, 0 where there are none. in_sentence: whether the sentence or
    table row around the span has an acceptable answer.
    """

    question_id: str
    document: str
    answerable: bool
    question: str
    passage: str
    start: int
    end: int
    claim: str
    evidence: str
    logprob: float
    f1: float
    in_sentence: bool


def propose_spans(
    settings: Settings, bench: Path, part: str = ALL, adapter: Path | None = SHIPPED_READER, share: float = 1.0
) -> list[SpanProposal]:
    """Return what is proposed for the bench's questions, from passages that the serving retriever finds.

    part: ALL, or HELD_OUT for questions about held-out documents alone. adapter: of the generator, None for the base
    model. share: of the questions, drawn at random, the same ones each time. Proposals are kept in
    var/runs/reader/proposals, a line a question: the next call reads them, and a killed one goes on.
    """
    questions = [row for row in read_questions(bench) if part == ALL or held_out(row["document"])]
    if share < 1:
        questions = random.Random(bench.name).sample(questions, round(share * len(questions)))
    generator = "" if adapter else "-base"
    path = STAGE.folder / f"{bench.name}-{part}{generator}{_percent(share)}-{_cache_key(settings, bench)}.jsonl"
    loaded: list[tuple[Generator, SpanScorer, Retriever]] = []

    def propose(row: dict[str, Any]) -> list[dict[str, Any]]:
        if not loaded:  # only where something is new
            retriever = index_bench(settings, bench, STAGE.folder, reranked=part == HELD_OUT)
            loaded.append((open_generator(settings, adapter), open_span_scorer(settings), retriever))
        return [asdict(proposal) for proposal in _propose(row, *loaded[0])]

    lines = resumable_map(path, questions, propose, f"proposing, {bench.name}")
    return [SpanProposal(**proposal) for line in lines for proposal in line]


def _percent(share: float) -> str:
    return f"-{share:.0%}" if share < 1 else ""


def _cache_key(settings: Settings, bench: Path) -> str:
    form = [field.name for field in fields(SpanProposal)]
    return digest_of([*proposal_versions(settings), *form], [*proposal_weights(settings), *bench_files(bench)])


def proposal_versions(settings: Settings) -> list[str]:
    """Return what proposals depend on besides weights, documents and questions: versions of the rules, and settings."""
    chunker = chunker_identity(settings.section(ChunkSettings))
    return [f"proposals {PROPOSALS_VERSION}", chunker, *settings.overrides]


def proposal_weights(settings: Settings) -> list[Path]:
    """Return the files of weights that proposals depend on."""
    scorers = {span_scorer.SHIPPED, span_scorer.LARGE if reads_large(settings) else span_scorer.SHIPPED}
    reader = [SHIPPED_READER / "adapter_model.safetensors", SHIPPED_READER / IDENTITY]  # the latter names the base
    return [*reader, *(scorer / DELTA_FILE for scorer in sorted(scorers))]


def _propose(
    row: dict[str, Any], generator: Generator, scorer: SpanScorer, retriever: Retriever
) -> Iterator[SpanProposal]:
    question, answers = row["question"], row["answers"]
    chunks = [passage.chunk for passage in retriever.search(question)]
    scores = scorer.score(question, [chunk.search_text for chunk in chunks])
    tokens = prompt.render(generator.tokenizer, question, chunks)
    best_scored = partial(best_span_paths, scores=scores, chunks=chunks)
    spans, _ = generator.propose_spans(tokens, chunks, [], expected_type(question), best_scored)
    for span in spans:
        for place in span.places[:PLACES_PER_SPAN]:
            chunk = chunks[place.passage - 1]
            text = place.text(chunk)
            claim, evidence = claim_and_evidence(question, text, chunk, place.sentence)
            yield SpanProposal(
                row["id"],
                row["document"],
                bool(answers),
                question,
                chunk.search_text,
                chunk.search_offset(place.start),
                chunk.search_offset(place.end),
                claim,
                evidence,
                span.logprob,
                token_f1(text, answers) if answers else 0.0,
                any(support(answer, chunk.text[slice(*place.sentence)]) >= MIN_SUPPORT for answer in answers),
            )
