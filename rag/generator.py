"""The local generator: a causal language model through transformers, with or without a PEFT adapter, decoded greedily."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from rag.decoding import Read, continue_batch, continue_one, read_on, score
from rag.errors import ModelError
from rag.models import LocalModel, computes_bfloat16
from rag.prefix import PrefixReader, PrefixSettings
from rag.prefix_cache import PrefixCache
from rag.prompt import Tokens, check_fingerprint, fingerprint
from rag.soft_prompt import soft_prompt

Prompt = Tokens | list[int]  # with passages and a question, or plain
IDENTITY = "identity.json"  # what serving checks: base, precision, prompt
RECORD = "record.json"  # what evaluation checks: the questions and documents that the adapter was trained on
AT_QUESTION = "question"  # the identity's "activation" of adapters that leave what comes before the question to the base
READER = Path(__file__).parent / "weights" / "reader"  # the adapter that ships
UNPACKED = 0.25  # share of the machine's memory up to which 4-bit weights are unpacked
CURVES = "curves.json"  # what reports draw: the training log of each stage


@dataclass(frozen=True)
class Generation:
    """What came out. logprobs: natural log-probability of each generated token, the end-of-turn token included."""

    text: str
    logprobs: list[float]


def load_base(model: LocalModel, device: str, precision: str, unpack: bool = True) -> tuple[Any, Any]:
    """-> tokenizer, and causal model on the device; precision "nf4" is QLoRA's 4-bit NormalFloat with double quantization, computing in bfloat16
    where the device can, else in float32. On a CPU these weights are unpacked once (unless not `unpack`) where memory allows: the same numbers, in
    up to a third of the time of unpacking them at every step."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    low = precision == "bfloat16" or precision == "nf4" and computes_bfloat16(device)
    dtype = torch.bfloat16 if low else torch.float32
    options: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}}
    if precision == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
        )
    tokenizer = AutoTokenizer.from_pretrained(model.path, local_files_only=True)
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{model.name} has no chat template; choose an instruct model with --set model.generator=...")
    base = AutoModelForCausalLM.from_pretrained(model.path, local_files_only=True, **options).eval()
    if unpack and precision == "nf4" and device == "cpu" and base.num_parameters() * dtype.itemsize < UNPACKED * psutil.virtual_memory().total:
        base.dequantize()
    return tokenizer, base


def read_identity(adapter: Path) -> dict[str, Any]:
    """-> what the adapter was trained on: base digest and precision, prompt fingerprint, data. Raises ModelError when there is none."""
    try:
        return json.loads((adapter / IDENTITY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{adapter} is not an adapter of ours ({error}): make train") from error


def reader_fits(model: LocalModel, prompt: str) -> bool:
    """Whether the shipped reader was trained on this base and on the prompt of this fingerprint."""
    if not (READER / IDENTITY).exists():
        return False
    identity = read_identity(READER)
    return (identity["base"], identity["prompt"]) == (model.digest, prompt)


def awake(adapter: Path) -> Any:
    """-> the adapter's PEFT configuration without its invocation tokens. Where it is called on what follows the question's start alone, plain LoRA
    computes the same, without looking for the start at every step."""
    from peft import PeftConfig

    config = PeftConfig.from_pretrained(str(adapter))
    if getattr(config, "alora_invocation_tokens", None):
        config.alora_invocation_tokens = None
    return config


def _contiguous(module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The last positions of a batch are a view with gaps, for which torch would copy the vocabulary's matrix once for every row."""
    return (inputs[0].contiguous(),)


class Generator:
    """Token ids in, text out. With an adapter it can also speak as the base model: `with generator.base(): ...`.

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
        the answering prompt's if None). prefix: how passages are read and kept; with an adapter from the question on they are read as in its
        training. cache: what other generators on the same base have read; one of its own if None."""
        prefix = prefix or PrefixSettings()
        self.tokenizer, self._model = load_base(model, device, precision)
        self.device, self.precision, self.adapter, self.digest = device, precision, adapter, model.digest
        self.name = model.name + (f" + {adapter}" if adapter else "")
        self._everywhere, self._off, self._layers, self._writer = False, adapter is None, self._model.base_model, None
        self._model.get_output_embeddings().register_forward_pre_hook(_contiguous)
        if adapter:
            self._attach(adapter, model, prompt or fingerprint(self.tokenizer))
        self._writer = self._writer or self._model  # what goes on from what has been read
        self.apart = self._apart if adapter and not self._everywhere else prefix.apart
        self.prefixes = PrefixReader(self._layers, self._read_as_base, f"{model.digest} {precision} {device}", cache or prefix.cache(), device, self.apart)

    def _attach(self, adapter: Path, model: LocalModel, prompt: str) -> None:
        from peft import PeftModel

        identity = read_identity(adapter)
        if identity["base"] != model.digest:
            raise ModelError(f"{adapter} was trained on base {identity['base'][:12]}, not {model.digest[:12]}: make train, or ask with --base")
        check_fingerprint(identity["prompt"], prompt, str(adapter), "make train, or ask with --base")
        self._everywhere, self._apart = identity.get("activation") != AT_QUESTION, identity.get("apart", False)
        self._model = PeftModel.from_pretrained(self._model, str(adapter), is_trainable=False, config=awake(adapter)).eval()
        if self._model.active_peft_config.is_prompt_learning:
            self._writer = self._model.get_base_model()

    @contextmanager
    def base(self) -> Iterator[None]:
        """Inside, the adapter is switched off."""
        off, self._off = self._off, True
        try:
            with nullcontext() if off else self._model.disable_adapter():
                yield
        finally:
            self._off = off

    def forget(self) -> None:
        """The passages read so far."""
        self.prefixes.cache.clear()

    def _read_as_base(self, **inputs: Any) -> Any:
        with self.base():
            return self._layers(**inputs)

    def generate(
        self, prompts: list[Prompt], max_new_tokens: int, on_text: Callable[[str], None] | None = None, stop: int | None = None
    ) -> list[Generation]:
        """Greedy continuations of a batch of prompts, each up to the end-of-turn token or the token `stop`.

        on_text gets the first one's text as it grows."""
        tokens = [ids if isinstance(ids, Tokens) else Tokens(ids, 0, 0, ()) for ids in prompts]
        with self._speaker(tokens), torch.inference_mode():
            return self._continue(self._read(tokens), tokens, max_new_tokens, on_text, stop)

    def generate_and_score(self, prompts: list[Prompt], wanted: list[list[int]], max_new_tokens: int) -> tuple[list[Generation], list[list[float]]]:
        """-> greedy continuations, and the natural log-probability of each token of the `wanted` continuations ([] where none is wanted). The prompts
        are read once for both."""
        tokens = [ids if isinstance(ids, Tokens) else Tokens(ids, 0, 0, ()) for ids in prompts]
        with self._speaker(tokens), torch.inference_mode():
            read = self._read(tokens)
            scores = score(self._writer, read, wanted) if any(wanted) else [[] for _ in wanted]
            return self._continue(read, tokens, max_new_tokens, None, None), scores

    def _speaker(self, prompts: list[Tokens]) -> Any:
        """An adapter that wakes up at the question sleeps through prompts that have none, as with PEFT."""
        asks = {t.prefix > 0 for t in prompts}
        if self._off or self._everywhere or asks == {True}:
            return nullcontext()
        if asks == {True, False}:
            raise ModelError("prompts with a question and without one can't be answered in one batch by an adapter that wakes up at the question")
        return self.base()

    def _read(self, prompts: list[Tokens]) -> Read:
        if self._everywhere and not self._off or not all(t.prefix for t in prompts):
            model, virtual = (self._model, None) if self._off else soft_prompt(self._model, len(prompts))
            return read_on(model, [t.ids for t in prompts], virtual)
        with self.prefixes.read([t.parts(self.apart) for t in prompts]) as prefix:
            return read_on(self._model, [t.rest for t in prompts], prefix)

    def _continue(
        self, read: Read, prompts: list[Tokens], max_new_tokens: int, on_text: Callable[[str], None] | None, stop: int | None
    ) -> list[Generation]:
        ends = {self.tokenizer.eos_token_id, stop} - {None}
        stream = _Stream(self.tokenizer, on_text)
        if len(prompts) == 1:
            said = [continue_one(self._writer, read, prompts[0].ids, ends, max_new_tokens, stream.push)]
        else:
            said = continue_batch(self._writer, read, ends, max_new_tokens)
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
