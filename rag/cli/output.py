"""How models and answers are printed: the answer on stdout, everything about the run on stderr."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.sections import ModelSettings
from rag.core.settings import Settings

if TYPE_CHECKING:
    from rag.answering.answer import Answer
    from rag.answering.evidence.grounding import Citation
    from rag.pipeline import Pipeline


def ask_and_stream(pipeline: Pipeline, question: str, documents: list[str] | None = None) -> Answer:
    """Return the answer; generated text is printed to stderr as it grows, before it is checked.

    documents: as in `Pipeline.ask`.
    """
    answer = pipeline.ask(question, lambda text: print(text, end="", flush=True, file=sys.stderr), documents)
    if pipeline.answerer.selector is None:
        print(file=sys.stderr)
    return answer


def print_models(pipeline: Pipeline, settings: Settings, index: Path) -> None:
    """Print which models answer, where, and in which precision."""
    from rag.encoder_factory import reranker_name, span_scorer_name

    models = settings.section(ModelSettings)
    generator = pipeline.generator
    adapter = "" if generator.adapter else " without an adapter"
    where = f"{generator.device}, {generator.precision}"
    used = [f"generator: {generator.name}{adapter} ({where})", f"reranker: {reranker_name(models, index)}"]
    if pipeline.answerer.selector:
        used.append(f"answers found by: {span_scorer_name(settings)}")
    print("; ".join(used), file=sys.stderr)


def print_answer(answer: Answer, quiet: bool = False) -> None:
    """Print the answer, its evidence, conflicts and passages, and to stderr its confidence and times unless quiet."""
    candidate = answer.output.strip()
    if answer.probable:
        print(f"No answer is sure enough. It is probably here ({answer.probable_confidence:.2f}):")
    else:
        print(answer.text)
        if answer.refused and not candidate.startswith(answer.text):
            print(f"  best candidate, too uncertain or not supported by a passage: {candidate}")
    _print_evidence([answer.probable] if answer.probable else answer.citations)
    for conflict in answer.conflicts:
        print(f"  conflict: {conflict}\n      “{_one_line(conflict.quote)}”")
    for claim in answer.unsupported:
        print(f"  left out, for no passage bears it out: {_one_line(claim)}")
    print("nearest passages:" if answer.refused else "passages read:")
    for number, passage in enumerate(answer.passages, 1):
        print(f"  [{number}] {passage.chunk.location}")
    if not quiet:
        seconds = ", ".join(f"{part} {value:.2f}" for part, value in answer.timings.items())
        sure = "confidence that these passages do not answer it" if answer.refused else "confidence in the answer"
        print(f"{sure}: {answer.confidence:.2f}; seconds: {seconds}", file=sys.stderr)


def _print_evidence(citations: list[Citation]) -> None:
    """Print the quotes, those of one place below each other."""
    for (passage, location), quoted in groupby(citations, lambda citation: (citation.passage, citation.location)):
        print(f"  [{passage}] {location}")
        for citation in quoted:
            print(f"      “{_one_line(citation.quote)}”")


def print_sample_note(answer: Answer, settings: Settings, index: Path) -> None:
    """Print to stderr that an answer is from the sample corpus, where the index has other documents too."""
    from rag.factory import open_store
    from rag.index.sample import SAMPLE, sample_among_own
    from rag.index.store import rag_command

    store = open_store(settings, index)
    sample = set(sample_among_own(store.documents()))
    store.close()
    if sample.intersection(citation.document for citation in answer.citations):
        remedy = rag_command(index, "remove", SAMPLE)
        print(f"note: this is from the sample corpus, not from your documents: {remedy}", file=sys.stderr)


def _one_line(text: str) -> str:
    return " ".join(text.split())
