"""The local generator: a causal language model through transformers, with or without a PEFT adapter, decoded greedily."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rag.core.chunk import Chunk
from rag.core.errors import ModelError
from rag.core.sections import PrefixSettings
from rag.generation.cpu_kernels import use_cpu_kernels
from rag.generation.decoding import PrefillState, decode_batch, decode_one, prefill, score_continuations
from rag.generation.kv_cache import PrefixCache, make_prefix_cache
from rag.generation.prefill import PrefixReader
from rag.generation.prompt import PromptTokens, check_fingerprint, citation_start, fingerprint
from rag.generation.soft_prompt import is_soft, soft_prompt
from rag.generation.span_search import Span, SpanNode, build_span_tree, search_spans
from rag.models.adapters import AT_QUESTION, attach_adapter, read_identity
from rag.models.causal_lm import load_base
from rag.models.resolve import LocalModel

Prompt = PromptTokens | list[int]  # with passages and a question, or plain


@dataclass(frozen=True)
class Generation:
    """What came out. logprobs: natural log-probability of each generated token, the end-of-turn token included."""

    text: str
    logprobs: list[float]


def _without_gaps(module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The last positions of a batch are a view with gaps, for which torch would copy the vocabulary's matrix once for every row; even for a single one,
    which `contiguous` takes to have no gaps."""
    return (inputs[0].clone(memory_format=torch.contiguous_format),)


def _tokens(prompts: list[Prompt]) -> list[PromptTokens]:
    return [ids if isinstance(ids, PromptTokens) else PromptTokens(ids, 0, 0, ()) for ids in prompts]


class Generator:
    """Token ids in, text out. With an adapter it can also speak as the base model: `with generator.without_adapter(): ...`.

    What comes before the question is read once and kept, unless the adapter acts there too."""

    def __init__(
        self,
        model: LocalModel,
        device: str,
        precision: str,
        adapter: Path | None = None,
        prompt: str | None = None,
        prefix: PrefixSettings | None = None,
        cache: PrefixCache | None = None,
    ):
        """Raises ModelError or PromptError when the adapter was trained on another base or on another prompt than `prompt` (a fingerprint;
        the answering prompt's if None). prefix: how much of what is read is kept; passages are read jointly, with an adapter from the question
        on as in its training. cache: what other generators on the same base have read; one of its own if None."""
        prefix = prefix or PrefixSettings()
        self.tokenizer, self.base_model = load_base(model, device, precision)
        self.device, self.precision, self.adapter, self.digest = device, precision, adapter, model.digest
        self.name = model.name + (f" + {adapter}" if adapter else "")
        self.base_model.get_output_embeddings().register_forward_pre_hook(_without_gaps)
        self._layers, self._tuned, self._off = self.base_model.base_model, self.base_model, adapter is None
        self._everywhere, self.block_attention = False, False
        if adapter:
            self._attach(adapter, model, prompt or fingerprint(self.tokenizer))
        if not hasattr(self._tuned, "disable_adapter"):  # PEFT's layers need the base's as they are
            use_cpu_kernels([self.base_model, self._tuned], device)
        self.prefixes = PrefixReader(
            self._layers,
            self._read_as_base,
            f"{model.digest} {precision} {device}",
            cache or make_prefix_cache(prefix),
            device,
            self.block_attention,
        )

    def _attach(self, adapter: Path, model: LocalModel, prompt: str) -> None:
        identity = read_identity(adapter)
        if identity["base"] != model.digest:
            raise ModelError(
                f"{adapter} was trained on base {identity['base'][:12]}, not {model.digest[:12]}: make train, or ask with --base"
            )
        if (
            identity["precision"] == "nf4" != self.precision
        ):  # measured: 35 % of answers are others, and F1 falls by 0.041 (eval/LOG.md)
            raise ModelError(
                f"{adapter} was trained on nf4 weights and answers worse on {self.precision}: --set model.precision=auto, or train on it"
            )
        check_fingerprint(identity["prompt"], prompt, str(adapter), "make train, or ask with --base")
        self._everywhere = identity.get("activation") != AT_QUESTION
        if not self._everywhere:
            self.block_attention = identity.get("apart", False)
        self._tuned = attach_adapter(self.base_model, adapter, not self._everywhere)

    @property
    def _writer(self) -> Any:
        """What goes on from what has been read."""
        return self.base_model if self._off or is_soft(self._tuned) else self._tuned

    @contextmanager
    def without_adapter(self) -> Iterator[None]:
        """Inside, the adapter is switched off."""
        off, self._off = self._off, True
        try:
            with (
                self._tuned.disable_adapter() if not off and hasattr(self._tuned, "disable_adapter") else nullcontext()
            ):
                yield
        finally:
            self._off = off

    def clear_cache(self) -> None:
        """The passages read so far."""
        self.prefixes.cache.clear()

    def _read_as_base(self, **inputs: Any) -> Any:
        with self.without_adapter():
            return self._layers(**inputs)

    def generate(
        self,
        prompts: list[Prompt],
        max_new_tokens: int,
        on_text: Callable[[str], None] | None = None,
        stop: int | None = None,
    ) -> list[Generation]:
        """Greedy continuations of a batch of prompts, each up to the end-of-turn token or the token `stop`.

        on_text gets the first one's text as it grows."""
        tokens = _tokens(prompts)
        with self._speaker(tokens), torch.inference_mode():
            return self._continue(self.prefill(tokens), tokens, max_new_tokens, on_text, stop)

    def generate_and_score(
        self, prompts: list[Prompt], wanted: list[list[int]], max_new_tokens: int
    ) -> tuple[list[Generation], list[list[float]]]:
        """-> greedy continuations, and the natural log-probability of each token of the `wanted` continuations ([] where none is wanted). The prompts
        are read once for both."""
        tokens = _tokens(prompts)
        with self._speaker(tokens), torch.inference_mode():
            read = self.prefill(tokens)
            scores = score_continuations(self._writer, read, wanted) if any(wanted) else [[] for _ in wanted]
            return self._continue(read, tokens, max_new_tokens, None, None), scores

    def propose_spans(
        self,
        prompt: PromptTokens,
        passages: list[Chunk],
        wanted: list[int],
        kind: re.Pattern[str] | None = None,
        also: Callable[[SpanNode], list[tuple[int, ...]]] | None = None,
    ) -> tuple[list[Span], list[float]]:
        """-> the likeliest spans of the passages as the answer, best first, of those that hold `kind` if there are any; and the scores of the `wanted`
        continuation as generate_and_score gives them. also: names paths in the tree of all spans whose ends are to be among those, likely or not."""
        with self._speaker([prompt]), torch.inference_mode():
            read = self.prefill([prompt])
            scores = score_continuations(self._writer, read, [wanted])[0] if wanted else []
            tree = build_span_tree(self.tokenizer, passages, kind)
            return search_spans(
                self._writer, read, tree, citation_start(self.tokenizer), also=also(tree) if also else ()
            ), scores

    def _speaker(self, prompts: list[PromptTokens]) -> Any:
        """An adapter that wakes up at the question sleeps through prompts that have none, as with PEFT."""
        asks = {t.prefix_length > 0 for t in prompts}
        if self._off or self._everywhere or asks == {True}:
            return nullcontext()
        if asks == {True, False}:
            raise ModelError(
                "prompts with a question and without one can't be answered in one batch by an adapter that wakes up at the question"
            )
        return self.without_adapter()

    def prefill(self, prompts: list[PromptTokens]) -> PrefillState:
        if self._everywhere and not self._off or not all(t.prefix_length for t in prompts):
            return prefill(
                self._writer, [t.ids for t in prompts], None if self._off else soft_prompt(self._tuned, len(prompts))
            )
        with self.prefixes.read([t.parts(self.block_attention) for t in prompts]) as prefix:
            return prefill(self._writer, [t.suffix for t in prompts], prefix)

    def _continue(
        self,
        read: PrefillState,
        prompts: list[PromptTokens],
        max_new_tokens: int,
        on_text: Callable[[str], None] | None,
        stop: int | None,
    ) -> list[Generation]:
        ends = {self.tokenizer.eos_token_id, stop} - {None}
        stream = _Stream(self.tokenizer, on_text)
        if len(prompts) == 1:
            said = [decode_one(self._writer, read, prompts[0].ids, ends, max_new_tokens, stream.push)]
        else:
            said = decode_batch(self._writer, read, ends, max_new_tokens)
        stream.push(said[0].ids, last=True)
        return [Generation(self.tokenizer.decode(s.ids, skip_special_tokens=True), s.logprobs) for s in said]


class _Stream:
    """Passes on what a growing token list adds to the text; half characters wait for their other half."""

    def __init__(self, tokenizer: Any, on_text: Callable[[str], None] | None):
        self._tokenizer, self._on_text, self._shown = tokenizer, on_text, ""

    def push(self, tokens: list[int], last: bool = False) -> None:
        if not self._on_text:
            return
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        if text != self._shown and (last or not text.endswith("\ufffd")):
            self._on_text(text[len(self._shown) :])
            self._shown = text
