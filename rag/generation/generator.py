"""The local generator: a causal language model, with or without an adapter, decoded greedily."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rag.core.chunk import Chunk
from rag.core.errors import ModelError
from rag.core.sections import PrefixSettings
from rag.generation.base_models import BaseModels
from rag.generation.decoding import PrefillState, decode_batch, decode_one, prefill, score_continuations
from rag.generation.prefill import PrefixReader
from rag.generation.prompt import PromptTokens, check_fingerprint, citation_start, fingerprint
from rag.generation.soft_prompt import soft_prompt_prefix, uses_soft_prompt
from rag.generation.span_search import Span, search_spans
from rag.generation.span_tree import IsOpen, IsPossible, SpanNode, build_span_tree
from rag.generation.text_stream import TextStream
from rag.models.adapters import AT_QUESTION, attach_adapter, read_identity
from rag.models.cpu_kernels import use_cpu_kernels
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.modeling_outputs import BaseModelOutputWithPast

Prompt = PromptTokens | list[int]  # with passages and a question, or plain token ids
OTHER_MODEL = "make train, or ask with --base"


@dataclass(frozen=True)
class Generation:
    """A generated text, and the natural log-probability of each of its tokens, the end-of-turn token included."""

    text: str
    logprobs: list[float]


class Generator:
    """Generates text from token ids, with its adapter or as the base model (`with generator.without_adapter(): ...`).

    What comes before the question is encoded once and cached, unless the adapter is active there too.
    """

    def __init__(
        self,
        model: LocalModel,
        device: str,
        precision: str,
        adapter: Path | None = None,
        prompt: str | None = None,
        bases: BaseModels | None = None,
    ):
        """prompt: fingerprint of the prompt that the adapter must have been trained on; the answering prompt's if None.

        bases: of other generators, to share the base and its prefix cache with them; its own if None. Passages are
        encoded as in the adapter's training, without one each after those before it. Raises ModelError or PromptError
        when the adapter was trained on another base, precision or prompt.
        """
        self.tokenizer: PreTrainedTokenizerBase
        self.base_model: PreTrainedModel
        bases = bases or BaseModels(PrefixSettings())
        self.tokenizer, self.base_model = bases.load(model, device, precision)
        self.device, self.precision, self.adapter, self.digest = device, precision, adapter, model.digest
        self.name = model.name + (f" + {adapter}" if adapter else "")
        self._layers, self._adapted, self._adapter_off = self.base_model.base_model, self.base_model, adapter is None
        self._active_in_prefix, self.block_attention = False, False
        if adapter:
            self._attach(adapter, model, prompt or fingerprint(self.tokenizer))
        if not hasattr(self._adapted, "disable_adapter"):  # PEFT's layers need the base's weights as they are
            use_cpu_kernels([self.base_model, self._adapted], device)
        identity = f"{model.digest} {precision} {device}"
        self.prefix_reader = PrefixReader(
            self._layers, self._encode_as_base, identity, bases.cache, device, self.block_attention
        )

    def _attach(self, adapter: Path, model: LocalModel, prompt: str) -> None:
        identity = read_identity(adapter)
        base, precision = identity["base"], identity["precision"]
        if base != model.digest:
            reason = f"was trained on base {base[:12]}, not {model.digest[:12]}"
            raise ModelError(f"{adapter} {reason}: {OTHER_MODEL}")
        if precision == "nf4" != self.precision:
            # Measured: 35 % of the answers change, and F1 falls by 0.041 (eval/LOG.md).
            reason = f"was trained on nf4 weights and answers worse on {self.precision}"
            raise ModelError(f"{adapter} {reason}: --set model.precision=auto, or train on it")
        check_fingerprint(identity["prompt"], prompt, str(adapter), OTHER_MODEL)
        self._active_in_prefix = identity.get("activation") != AT_QUESTION
        self.block_attention = not self._active_in_prefix and identity.get("apart", False)
        self._adapted = attach_adapter(self.base_model, adapter, not self._active_in_prefix)

    @property
    def _model(self) -> PreTrainedModel:
        """The model that continues encoded prompts."""
        return self.base_model if self._adapter_off or uses_soft_prompt(self._adapted) else self._adapted

    @contextmanager
    def without_adapter(self) -> Iterator[None]:
        """Switch the adapter off inside the `with` block."""
        before, self._adapter_off = self._adapter_off, True
        try:
            yield
        finally:
            self._adapter_off = before

    def clear_cache(self) -> None:
        """Drop all encoded passages from the cache."""
        self.prefix_reader.cache.clear()

    def _encode_as_base(self, **inputs: object) -> BaseModelOutputWithPast:
        with self.without_adapter():
            return self._layers(**inputs)

    def generate(
        self,
        prompts: Sequence[Prompt],
        max_new_tokens: int,
        on_text: Callable[[str], None] | None = None,
        stop: int | None = None,
    ) -> list[Generation]:
        """Continue a batch of prompts greedily, each up to the end-of-turn token or the token `stop`.

        on_text gets the first prompt's text piece by piece as it grows.
        """
        tokens = _as_tokens(prompts)
        with self._adapter_for(tokens), torch.inference_mode():
            return self._decode(self.prefill(tokens), tokens, max_new_tokens, on_text, stop)

    def generate_and_score(
        self, prompts: Sequence[Prompt], targets: list[list[int]], max_new_tokens: int
    ) -> tuple[list[Generation], list[list[float]]]:
        """Continue each prompt greedily, and score a target continuation of each; [] where there is none.

        Returns the generations, and the natural log-probability of each target token. The prompts are encoded once.
        """
        tokens = _as_tokens(prompts)
        with self._adapter_for(tokens), torch.inference_mode():
            state = self.prefill(tokens)
            scores = score_continuations(self._model, state, targets) if any(targets) else [[] for _ in targets]
            return self._decode(state, tokens, max_new_tokens, None, None), scores

    def score(self, prompt: PromptTokens, target: list[int]) -> list[float]:
        """Return the natural log-probability of each token of a target continuation of the prompt."""
        with self._adapter_for([prompt]), torch.inference_mode():
            return score_continuations(self._model, self.prefill([prompt]), [target])[0]

    def propose_spans(
        self,
        prompt: PromptTokens,
        passages: list[Chunk],
        target: list[int],
        answer_type: re.Pattern[str] | None = None,
        extra_paths: Callable[[SpanNode], list[tuple[int, ...]]] | None = None,
        is_open: IsOpen | None = None,
        is_possible: IsPossible | None = None,
    ) -> tuple[list[Span], list[float]]:
        """Return the most likely spans of the passages as the answer, best first, and the scores of the target.

        answer_type: only spans that contain a match, if there are any. extra_paths: names paths in the tree of spans
        whose ends are scored and returned as well, however unlikely. is_open, is_possible: as in
        build_span_tree. target: as in generate_and_score.
        """
        with self._adapter_for([prompt]), torch.inference_mode():
            state = self.prefill([prompt])
            scores = score_continuations(self._model, state, [target])[0] if target else []
            tree = build_span_tree(self.tokenizer, passages, answer_type, is_open, is_possible)
            paths = extra_paths(tree) if extra_paths else ()
            return search_spans(self._model, state, tree, citation_start(self.tokenizer), extra_paths=paths), scores

    def prefill(self, prompts: list[PromptTokens]) -> PrefillState:
        """Encode the prompts, their prefixes from the cache where possible."""
        adapted_prefix = self._active_in_prefix and not self._adapter_off
        if adapted_prefix or not all(tokens.prefix_length for tokens in prompts):
            soft_prompt = None if self._adapter_off else soft_prompt_prefix(self._adapted, len(prompts))
            return prefill(self._model, [tokens.ids for tokens in prompts], soft_prompt)
        with self.prefix_reader.read([tokens.parts(self.block_attention) for tokens in prompts]) as prefix:
            return prefill(self._model, [tokens.suffix for tokens in prompts], prefix)

    def _adapter_for(self, prompts: list[PromptTokens]) -> AbstractContextManager[None]:
        """Switch an adapter that becomes active at the question off for prompts without one, as PEFT does."""
        with_question = {tokens.prefix_length > 0 for tokens in prompts}
        if self._adapter_off or self._active_in_prefix or with_question == {True}:
            return nullcontext()
        if with_question == {True, False}:
            reason = "the adapter becomes active at the question, and some prompts of this batch have none"
            raise ModelError(f"{reason}: put prompts with and without a question into batches of their own")
        return self.without_adapter()

    def _decode(
        self,
        state: PrefillState,
        prompts: list[PromptTokens],
        max_new_tokens: int,
        on_text: Callable[[str], None] | None,
        stop: int | None,
    ) -> list[Generation]:
        end_ids = {self.tokenizer.eos_token_id, stop} - {None}
        stream = TextStream(self.tokenizer, on_text)
        if len(prompts) == 1:
            found = [decode_one(self._model, state, prompts[0].ids, end_ids, max_new_tokens, stream.push)]
        else:
            found = decode_batch(self._model, state, end_ids, max_new_tokens)
        stream.push(found[0].ids, last=True)
        return [Generation(self.tokenizer.decode(f.ids, skip_special_tokens=True), f.logprobs) for f in found]


def _as_tokens(prompts: Sequence[Prompt]) -> list[PromptTokens]:
    return [prompt if isinstance(prompt, PromptTokens) else PromptTokens(prompt, 0, 0, ()) for prompt in prompts]
