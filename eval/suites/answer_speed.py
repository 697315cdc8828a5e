"""How fast answering is, against peers on the same prompts in the same run: python -m eval speed."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.runs.questions import Question
from eval.suites.engines import (
    Engine,
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

BATCH = 8


def measure_speed(settings: Settings, index: Path, questions: list[Question], adapter: Path | None) -> dict[str, Any]:
    """-> by engine the seconds to the first token and to the whole answer, base weights first and in turns, then the adapter; and `ask` as a user meets it."""
    retriever, models = open_retriever(settings, index), settings.section(ModelSettings)
    model, device, most = (
        find_model(models.generator, models.hub),
        choose_device(models.device)[0],
        settings.section(AnswerSettings).max_new_tokens,
    )
    base = open_generator(settings, None)
    shown = [[p.chunk for p in retriever.search(q.question)] for q in questions]
    prompts = [prompt.render(base.tokenizer, q.question, chunks) for q, chunks in zip(questions, shown, strict=True)]
    other = [
        prompt.render(base.tokenizer, q.question, chunks)
        for q, chunks in zip(questions[1:] + questions[:1], shown, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peers: dict[str, Engine | None] = {
            "transformers": transformers_engine(model, device, base.precision, None, most),
            "transformers, static cache": transformers_engine(
                model, device, base.precision, None, most, cache_implementation="static"
            ),
            "transformers, prompt lookup": transformers_engine(
                model, device, base.precision, None, most, prompt_lookup_num_tokens=8
            ),
            "llama.cpp": llama_cpp_engine(most) if models.generator == ModelSettings.generator else None,
            "ctranslate2, int8": stack.enter_context(ctranslate2_engine(model, Path(folder) / "ct2", most))
            if device == "cpu"
            else None,
        }
        found = in_turns(base, prompts, other, {name: engine for name, engine in peers.items() if engine}, most)
    found |= time_batches(base, prompts, most)
    del base, peers
    if adapter:
        tuned = open_generator(settings, adapter)
        peers = {"transformers": transformers_engine(model, device, tuned.precision, adapter, most)}
        found |= {f"{name}, tuned": times for name, times in in_turns(tuned, prompts, other, peers, most).items()}
        found["ask, tuned"] = time_pipeline(Pipeline(retriever, open_answerer(settings, tuned)), questions)
    return found


def in_turns(
    generator: Generator, prompts: list[PromptTokens], other: list[PromptTokens], peers: dict[str, Engine], most: int
) -> dict[str, Any]:
    """Every engine answers one prompt before the next is asked, so that a noisy machine is noisy for all. other: another question on the same passages,
    which ours is asked before it is timed on kept ones."""
    engine = ragtune_engine(generator, most)
    names = ["ragtune", "ragtune, passages kept", *peers]
    times: dict[str, list[tuple[float, float, int]]] = {name: [] for name in names}
    for name in names:
        time_engine(peers.get(name, engine), prompts[0])  # start-up costs
    for tokens, before in tqdm(list(zip(prompts, other, strict=True)), desc="answering", unit=" questions"):
        generator.clear_cache()
        time_engine(engine, before)
        times["ragtune, passages kept"].append(time_engine(engine, tokens))
        generator.clear_cache()
        times["ragtune"].append(time_engine(engine, tokens))
        for name, peer in peers.items():
            times[name].append(time_engine(peer, tokens))
    return {name: summarize_times(values) for name, values in times.items()}


def time_batches(generator: Generator, prompts: list[PromptTokens], most: int) -> dict[str, Any]:
    """-> seconds a question when several are answered together, passages not read before."""
    generator.clear_cache()
    start = time.perf_counter()
    for at in range(0, len(prompts), BATCH):
        generator.generate(prompts[at : at + BATCH], most)
    return {f"ragtune, {BATCH} at once": {"answer": (time.perf_counter() - start) / len(prompts), "n": len(prompts)}}


def time_pipeline(pipeline: Pipeline, questions: list[Question]) -> dict[str, Any]:
    """-> the times of `ask` in a warm process: embedding, search, reading, writing, checking."""
    pipeline.ask(questions[0].question)
    pipeline.generator.clear_cache()
    times = []
    for question in questions:
        heard: list[float] = []
        start = time.perf_counter()
        pipeline.ask(question.question, lambda text, heard=heard: heard.append(time.perf_counter()))
        end = time.perf_counter()
        times.append(((heard[0] if heard else end) - start, end - start, len(heard)))
    return summarize_times(times)


def summarize_times(times: list[tuple[float, float, int]]) -> dict[str, Any]:
    """-> medians and 95th percentiles."""
    first, whole = [t[0] for t in times], [t[1] for t in times]
    at = min(len(times) - 1, int(0.95 * len(times)))
    return {"first": statistics.median(first), "answer": statistics.median(whole), "answer_p95": sorted(whole)[at],
            "pieces": statistics.mean(t[2] for t in times), "n": len(times)}  # fmt: skip


def as_text(found: dict[str, Any]) -> str:
    """-> the table for people."""
    rows = [f"{'seconds':38}{'first token':>12}{'answer':>9}{'p95':>9}{'pieces':>8}{'n':>5}"]
    for name, t in found.items():
        figures = [f"{t[key]:.3f}" if key in t else "" for key in ("first", "answer", "answer_p95")]
        rows.append(f"{name:38}{figures[0]:>12}{figures[1]:>9}{figures[2]:>9}{t.get('pieces', 0):8.1f}{t['n']:5}")
    return "\n".join(rows)
