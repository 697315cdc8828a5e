"""The registry of fine-tuning methods: what each makes, and where what it makes may serve. Light: PEFT is not imported.

How each is trained stands in `finetune/generator/peft_methods.py`; tests hold `merge`, `mix` and `compose` against what
PEFT does. What vLLM 0.33 and llama.cpp load is from their documentation and refusals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag.core.errors import ModelError

Family = Literal["additive", "selective", "reparameterized"]
Use = Literal["merge", "mix", "compose", "vllm", "llama_cpp"]
USES: dict[Use, str] = {
    "merge": "be merged into the base's weights",
    "mix": "share a batch with other adapters",
    "compose": "be combined with other adapters",
    "vllm": "be loaded by vLLM",
    "llama_cpp": "be loaded by llama.cpp",
}


@dataclass(frozen=True)
class AdapterMethod:
    """A method of fine-tuning and its uses.

    makes: what is trained, in a few words. merge: whether the base's weights can take it up, so that it serves wherever
    the base does. mix: whether rows of one batch can have different adapters of this method. compose: whether several
    adapters can become one. vllm, llama_cpp: whether they load it beside the base. at_question: whether it acts from
    the question on alone, so that the base encodes the passages, once. paper: its arXiv number.
    """

    family: Family
    makes: str
    paper: str
    merge: bool = False
    mix: bool = False
    compose: bool = False
    vllm: bool = False
    llama_cpp: bool = False
    at_question: bool = False

    def serves(self, use: Use) -> str:
        """Return "yes", "merged" where only the merged model does, or "no"."""
        if getattr(self, use):
            return "yes"
        return "merged" if self.merge and use in ("vllm", "llama_cpp") else "no"


LOW_RANK = "two low-rank matrices for each linear layer"
METHODS: dict[str, AdapterMethod] = {
    "alora": AdapterMethod(
        "reparameterized",
        f"{LOW_RANK}, active from the question on",
        "2504.12397",
        mix=True,
        compose=True,
        llama_cpp=True,
        at_question=True,
    ),
    "lora": AdapterMethod("reparameterized", LOW_RANK, "2106.09685", True, True, True, True, True),
    "dylora": AdapterMethod(
        "reparameterized", f"{LOW_RANK}, their rank chosen afterwards", "2210.07558", True, True, True, True, True
    ),
    "dora": AdapterMethod("reparameterized", f"{LOW_RANK}, and a length for each output", "2402.09353", merge=True),
    "qalora": AdapterMethod("reparameterized", f"{LOW_RANK}, on groups of inputs", "2309.14717", merge=True, mix=True),
    "ia3": AdapterMethod("additive", "a factor for each key, value and inner feature", "2205.05638", merge=True),
    "prompt-tuning": AdapterMethod("additive", "embeddings of virtual tokens", "2104.08691"),
    "p-tuning": AdapterMethod("additive", "virtual tokens that a small network writes", "2103.10385"),
    "prefix-tuning": AdapterMethod("additive", "keys and values of virtual tokens", "2101.00190"),
    "houlsby": AdapterMethod(
        "additive", "a bottleneck behind each attention and feed-forward part", "1902.00751", mix=True
    ),
    "pfeiffer": AdapterMethod("additive", "a bottleneck behind each feed-forward part", "2005.00247", mix=True),
    "adapter-fusion": AdapterMethod(
        "additive", "attention over the bottlenecks of several adapters", "2005.00247", mix=True
    ),
    "layer-norms": AdapterMethod("selective", "the weights of the layer norms", "2312.11420", merge=True),
    "bitfit": AdapterMethod("selective", "biases: the base's, or new ones where it has none", "2106.10199"),
    "diff-pruning": AdapterMethod("selective", "a sparse change of the weights, and where", "2012.07463", merge=True),
    "shira": AdapterMethod("selective", "random entries of each weight matrix", "2406.13175", merge=True),
}


def check_use(method: str, use: Use, what: object) -> None:
    """Raise ModelError where adapters of the method cannot be used so. what: the adapter, as the error names it."""
    if method not in METHODS or not getattr(METHODS[method], use):
        able = next(name for name in ("lora", *METHODS) if getattr(METHODS[name], use))
        raise ModelError(
            f"{what} was trained with {method}, which cannot {USES[use]}: "
            f"--set sft.method={able} trains an adapter that can"
        )


def methods_table() -> str:
    """Return the registry as text, a line for each method."""
    columns = ("method", "family", "merge", "mix", "compose", "vLLM", "llama.cpp", "acts from", "arXiv", "trains")
    row = "{:15}{:17}{:7}{:5}{:9}{:8}{:11}{:11}{:12}{}"
    lines = [row.format(*columns)]
    for name, method in METHODS.items():
        uses = [method.serves(use) for use in USES]
        start = "question" if method.at_question else "start"
        lines.append(row.format(name, method.family, *uses, start, method.paper, method.makes))
    return "\n".join(lines)
