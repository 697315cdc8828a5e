"""What llama.cpp answers to a run's questions, to compare exported files with what was exported."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.data.rows import TrainingRow
from rag.core.errors import TrainingError
from rag.generation import prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CONTEXT = 4096  # tokens of prompt and answer at most


def installed() -> bool:
    """Return whether llama.cpp is here, as the package xllamacpp."""
    return importlib.util.find_spec("xllamacpp") is not None


class LlamaCpp:
    """llama.cpp's server inside this process, on a GGUF file, with one thread.

    adapter: a GGUF file of an adapter, which is applied where a request names it.
    """

    def __init__(self, model: Path, adapter: Path | None = None) -> None:
        """Raise TrainingError where xllamacpp is not installed."""
        if not installed():
            raise TrainingError("llama.cpp is not installed: pip install -e '.[peers]'")
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx, params.n_parallel, params.verbosity = CONTEXT, 1, -1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        if adapter:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 0.0)]
            params.lora_init_without_apply = True
        self._server = xllamacpp.Server(params)

    def answers(
        self,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[TrainingRow],
        max_new_tokens: int,
        adapted: bool = False,
    ) -> list[str]:
        """Return the greedy answer to each row. adapted: whether the adapter is applied."""
        lora = {"lora": [{"id": 0, "scale": 1.0 if adapted else 0.0}]}
        texts = []
        for row in rows:
            ids = prompt.render(tokenizer, row.question, list(row.passages)).ids
            request = {"prompt": ids, "max_tokens": max_new_tokens, "temperature": 0, "cache_prompt": False, **lora}
            texts.append(self._server.handle_completions(request)["choices"][0]["text"])
        return texts
