"""TODO docstring of rag.cli.output."""

from __future__ import annotations

import sys

from rag.core.sections import ModelSettings
from rag.core.settings import Settings


def ask_and_stream(pipeline, question: str):
    """-> the answer; freely written words are shown as they come, before they are checked, and apart from the answer."""
    answer = pipeline.ask(question, lambda text: print(text, end="", flush=True, file=sys.stderr))
    if pipeline.answerer.selector is None:
        print(file=sys.stderr)
    return answer


def print_models(pipeline, settings: Settings) -> None:
    from rag.factory import reranker_delta

    models = settings.section(ModelSettings)
    generator, reranked = pipeline.generator, reranker_delta(models) or models.cross_encoder
    print(f"{generator.name}{'' if generator.adapter else ', no adapter (make train)'} on {generator.device} in {generator.precision}; "
          f"passages in fused order{f', joined with that of the cross-encoder {reranked}' if reranked else ''}", file=sys.stderr)  # fmt: skip


def print_answer(answer) -> None:
    """The answer, what was found and is not shown, the evidence, what contradicts it, the other passages, the time of each part."""
    print(answer.text)
    said = answer.output.strip()
    if answer.refused and not said.startswith(answer.text):
        print(f"-> not shown, as too unsure or borne out by no passage: {said}")
    for citation in answer.citations:
        print(
            f"  [{citation.passage}] {answer.passages[citation.passage - 1].chunk.location}\n      “{' '.join(citation.quote.split())}”"
        )
    for conflict in answer.conflicts:
        print(f"  conflict: {conflict}\n      “{' '.join(conflict.quote.split())}”")
    print("passages shown:" if not answer.refused else "nearest passages:")
    for number, passage in enumerate(answer.passages, 1):
        print(f"  [{number}] {passage.chunk.location}")
    times = ", ".join(f"{name} {seconds:.2f}" for name, seconds in answer.timings.items())
    print(f"confidence {answer.confidence:.2f}; seconds: {times}", file=sys.stderr)
