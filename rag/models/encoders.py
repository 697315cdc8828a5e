"""Texts -> vectors on the device: plain Transformer encoders by transformers alone, every other model by sentence-transformers.

`import sentence_transformers` costs 3 to 5 s of a cold command, for trainers, losses and evaluators that no question needs. Most embedders are one encoder,
mean or first-token pooling and a normalization, and say so in modules.json; those are computed here in the same steps. Whatever says anything else is
left to the library.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rag.core.errors import ModelError
from rag.models.weight_delta import apply_delta

USUAL = {
    "do_lower_case": (False,),
    "transformer_task": ("feature-extraction",),
    "modality_config": ({"text": {"method": "forward", "method_output_name": "last_hidden_state"}},),
    "module_output_name": ("token_embeddings",),
}
FAMILIES = ("bert", "distilbert", "mpnet", "roberta", "xlm-roberta", "electra")


class Encoder(Protocol):
    """dimension: of its vectors. prompts: what the model wants before a text, by name ("query", "document", ...)."""

    dimension: int
    prompts: dict[str, str]

    def prepare(self, texts: list[str]) -> list[Any]:
        """-> one item a text; `len(item)` is about its number of tokens, or of characters."""
        ...

    def encode(self, items: list[Any], rows: int = 0) -> np.ndarray:
        """-> float32 (len(items), dimension), not normalized. rows: compute as many, the surplus thrown away."""
        ...


class PlainEncoder:
    """An encoder with mean or first-token pooling, all of its work in `dtype`, pooled in float32."""

    def __init__(self, folder: Path, device: str, dtype, delta: Path | None = None):
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, dtype=dtype, local_files_only=True)
        if delta:
            apply_delta(model, delta)
        self._model = model.to(device).eval()
        self._device = device
        self._first = _pooling(folder) == "cls"
        limits = [
            _read(folder / "sentence_bert_config.json").get("max_seq_length"),
            getattr(self._model.config, "max_position_embeddings", None),
        ]
        self._longest = min([self._tokenizer.model_max_length, *filter(None, limits)])
        self.dimension = self._model.config.hidden_size
        config = _read(folder / "config_sentence_transformers.json")
        self.prompts = _prompts(config.get("prompts"), config.get("default_prompt_name"))

    def prepare(self, texts: list[str]) -> list[list[int]]:
        return (
            self._tokenizer([text.strip() for text in texts], truncation=True, max_length=self._longest)["input_ids"]
            if texts
            else []
        )

    def encode(self, items: list[list[int]], rows: int = 0) -> np.ndarray:
        import torch

        rows, length = max(rows, len(items)), min(padded_length(max(map(len, items))), self._longest)
        ids = torch.full((rows, length), self._tokenizer.pad_token_id or 0)
        mask = torch.zeros((rows, length), dtype=torch.long)
        for row in range(rows):
            item = items[min(row, len(items) - 1)]
            ids[row, : len(item)] = torch.tensor(item)
            mask[row, : len(item)] = 1
        with torch.inference_mode():
            mask = mask.to(self._device)
            hidden = self._model(input_ids=ids.to(self._device), attention_mask=mask)[0].float()
            pooled = hidden[:, 0] if self._first else (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return pooled[: len(items)].cpu().numpy()


class LibraryEncoder:
    """Any model that sentence-transformers loads. Prompts are put before the text by the caller, as for the plain encoder."""

    def __init__(self, folder: Path, device: str, dtype):
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(
            str(folder), device=device, local_files_only=True, model_kwargs={"dtype": dtype}
        )
        self.dimension = self._model.get_embedding_dimension()
        self.prompts = _prompts(self._model.prompts, self._model.default_prompt_name)
        self._model.default_prompt_name = None

    def prepare(self, texts: list[str]) -> list[str]:
        return texts

    def encode(self, items: list[str], rows: int = 0) -> np.ndarray:
        return self._model.encode(items, batch_size=len(items), show_progress_bar=False, convert_to_numpy=True).astype(
            np.float32
        )


def open_encoder(folder: Path, device: str, dtype, delta: Path | None = None) -> Encoder:
    """-> the model in `folder`, by the shorter way where its files say that this is all there is to it; with what training changed in it, where there is any.
    Raises ModelError for changes to a model of another kind."""
    if is_plain(folder):
        return PlainEncoder(folder, device, dtype, delta)
    if delta:
        raise ModelError(f"{folder} is no plain encoder, so {delta} can't be put on it: rag adapters --rollback")
    return LibraryEncoder(folder, device, dtype)


def is_plain(folder: Path) -> bool:
    """Whether modules.json says: a Transformer that takes text in the folder itself, one pooling that is computed here, perhaps a normalization."""
    modules = _read(folder / "modules.json")
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules] if isinstance(modules, list) else []
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) or modules[0]["path"]:
        return False
    config, limits = _read(folder / "config.json"), _read(folder / "sentence_bert_config.json")
    usual = all(value in USUAL.get(key, ()) for key, value in limits.items() if key != "max_seq_length")
    usual = usual and not (folder / "adapter_config.json").exists() and "auto_map" not in config
    return usual and config.get("model_type") in FAMILIES and bool(_pooling(folder))


def _pooling(folder: Path) -> str:
    """-> "mean", "cls", or "" for anything else."""
    config = _read(folder / "1_Pooling" / "config.json")
    mode = config.get("pooling_mode")
    on = [mode] if mode else [key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token") for key, value in config.items()
                              if key.startswith("pooling_mode_") and value]  # fmt: skip
    return on[0] if len(on) == 1 and on[0] in ("mean", "cls") and config.get("include_prompt", True) else ""


def _prompts(prompts: dict[str, str] | None, default: str | None) -> dict[str, str]:
    """-> the prompts, the default one standing in for those of queries and documents where these are not named."""
    named = {name: prompt for name, prompt in (prompts or {}).items() if prompt}
    return {"query": named[default], "document": named[default], **named} if default in named else named


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def padded_length(length: int) -> int:
    """-> the length to which a text of `length` tokens is padded: a function of that text alone."""
    return -(-length // 16) * 16
