"""How fast answering is, beside other engines on the same prompts in the same run."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from eval.metrics.prediction import Figures
from eval.runs.questions import Question
from eval.suites.engines import (
    Engine,
    Timing,
    ctranslate2_engine,
    llama_cpp_engine,
    ragtune_engine,
    time_engine,
    transformers_engine,
)
from rag.core.sections import AnswerSettings, ModelSettings
from rag.core.settings import Settings
from rag.factory import open_answerer, open_generator, open_retriever
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.generation.prompt import PromptTokens
from rag.models.device import choose_device
from rag.models.resolve import find_model
from rag.pipeline import Pipeline
from rag.retrieval.retriever import Retriever

BATCH = 8  # questions answered at once


@dataclass(frozen=True)
class Prompts:
    """The prompts to time, and for each one of another question on the same passages."""

    timed: list[PromptTokens]
    others: list[PromptTokens]


def measure_speed(settings: Settings, index: Path, questions: list[Question], adapter: Path | None) -> Figures:
    """Return the seconds to the first token and to the whole answer by engine.

    The base weights come first, with all engines in turns, then the adapter, then `ask` as a user meets it.
    """
    retriever = open_retriever(settings, index)
    longest = settings.section(AnswerSettings).max_new_tokens
    base = open_generator(settings, None)
    prompts = _prompts(base, retriever, questions)
    with ExitStack() as stack:
        peers = _peers(settings, base.precision, longest, stack)
        found = in_turns(base, prompts, peers, longest)
    found |= time_batches(base, prompts.timed, longest)
    del base, peers
    if adapter:
        tuned = open_generator(settings, adapter)
        transformers = _transformers(settings, tuned.precision, adapter, longest)
        times = in_turns(tuned, prompts, {"transformers": transformers}, longest)
        found |= {f"{name}, tuned": each for name, each in times.items()}
        found["ask, tuned"] = time_pipeline(Pipeline(retriever, open_answerer(settings, tuned)), questions)
    return found


def _prompts(generator: Generator, retriever: Retriever, questions: list[Question]) -> Prompts:
    passages = [[p.chunk for p in retriever.search(q.question)] for q in questions]
    shifted = questions[1:] + questions[:1]

    def render(asked: list[Question]) -> list[PromptTokens]:
        tokenizer = generator.tokenizer
        return [prompt.render(tokenizer, q.question, chunks) for q, chunks in zip(asked, passages, strict=True)]

    return Prompts(render(questions), render(shifted))


def _transformers(settings: Settings, precision: str, adapter: Path | None, longest: int, **options: object) -> Engine:
    models = settings.section(ModelSettings)
    model, device = find_model(models.generator, models.hub), choose_device(models.device)[0]
    return transformers_engine(model, device, precision, adapter, longest, **options)


def _peers(settings: Settings, precision: str, longest: int, stack: ExitStack) -> dict[str, Engine]:
    """Return the engines that are installed and can run the configured model."""
    models = settings.section(ModelSettings)
    peers: dict[str, Engine | None] = {
        "transformers": _transformers(settings, precision, None, longest),
        "transformers, static cache": _transformers(settings, precision, None, longest, cache_implementation="static"),
        "transformers, prompt lookup": _transformers(settings, precision, None, longest, prompt_lookup_num_tokens=8),
    }
    if models.generator == ModelSettings.generator:
        peers["llama.cpp"] = llama_cpp_engine(longest)
    if choose_device(models.device)[0] == "cpu":
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = find_model(models.generator, models.hub)
        peers["ctranslate2, int8"] = ctranslate2_engine(model, folder / "ct2", longest)
    return {name: engine for name, engine in peers.items() if engine}


def in_turns(generator: Generator, prompts: Prompts, peers: dict[str, Engine], longest: int) -> Figures:
    """Time every engine on one prompt before the next, so that a noisy machine is noisy for all.

    Our engine is timed on passages never read before, and on passages read for another question.
    """
    engine = ragtune_engine(generator, longest)
    names = ["ragtune", "ragtune, passages kept", *peers]
    times: dict[str, list[Timing]] = {name: [] for name in names}
    for name in names:
        time_engine(peers.get(name, engine), prompts.timed[0])  # start-up costs
    pairs = list(zip(prompts.timed, prompts.others, strict=True))
    for tokens, other in tqdm(pairs, desc="answering", unit=" questions"):
        generator.clear_cache()
        time_engine(engine, other)
        times["ragtune, passages kept"].append(time_engine(engine, tokens))
        generator.clear_cache()
        times["ragtune"].append(time_engine(engine, tokens))
        for name, peer in peers.items():
            times[name].append(time_engine(peer, tokens))
    return {name: summarize_times(values) for name, values in times.items()}


def time_batches(generator: Generator, prompts: list[PromptTokens], longest: int) -> Figures:
    """Return the seconds a question where several are answered together, on passages never read before."""
    generator.clear_cache()
    start = time.perf_counter()
    for at in range(0, len(prompts), BATCH):
        generator.generate([*prompts[at : at + BATCH]], longest)
    seconds = (time.perf_counter() - start) / len(prompts)
    return {f"ragtune, {BATCH} at once": {"answer": seconds, "n": len(prompts)}}


def time_pipeline(pipeline: Pipeline, questions: list[Question]) -> Figures:
    """Return the times of `ask` in a warm process: embedding, searching, reading, answering, checking."""
    pipeline.ask(questions[0].question)
    pipeline.generator.clear_cache()
    return summarize_times([_time_ask(pipeline, question) for question in questions])


def _time_ask(pipeline: Pipeline, question: Question) -> Timing:
    times: list[float] = []
    start = time.perf_counter()
    pipeline.ask(question.question, lambda text: times.append(time.perf_counter()))
    end = time.perf_counter()
    return (times[0] if times else end) - start, end - start, len(times)


def summarize_times(times: list[Timing]) -> Figures:
    """Return the medians, the 95th percentile of whole answers, and the mean number of pieces."""
    first, whole, pieces = (list(column) for column in zip(*times, strict=True))
    return {
        "first": statistics.median(first),
        "answer": statistics.median(whole),
        "answer_p95": float(np.percentile(whole, 95, method="higher")),
        "pieces": statistics.mean(pieces),
        "n": len(times),
    }


def as_text(found: Figures) -> str:
    """Format the times as a table."""
    rows = [f"{'seconds':38}{'first token':>12}{'answer':>9}{'p95':>9}{'pieces':>8}{'n':>5}"]
    for name, t in found.items():
        first, answer, p95 = (f"{t[key]:.3f}" if key in t else "" for key in ("first", "answer", "answer_p95"))
        rows.append(f"{name:38}{first:>12}{answer:>9}{p95:>9}{t.get('pieces', 0):8.1f}{t['n']:5}")
    return "\n".join(rows)
