"""Texts into vectors: plain Transformer encoders by transformers, every other model by sentence-transformers.

Importing sentence-transformers costs a cold command 2.6 s of CPU time beyond the import of transformers (sentence-
transformers 6.2, 2 cores), for trainers, losses and evaluators that no question needs:

    python -c "import time, transformers.models.bert.modeling_bert as b; s = time.process_time(); \
               import sentence_transformers; print(time.process_time() - s)"

Most embedders are one encoder, mean or first-token pooling and a normalization, and say so in modules.json. Those are
computed here in the same steps; whatever says anything else is left to the library.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from rag.core.errors import ModelError
from rag.models.weight_delta import apply_delta

if TYPE_CHECKING:
    import torch

# What sentence_bert_config.json may say beside max_seq_length.
USUAL: dict[str, tuple[object, ...]] = {
    "do_lower_case": (False,),
    "transformer_task": ("feature-extraction",),
    "modality_config": ({"text": {"method": "forward", "method_output_name": "last_hidden_state"}},),
    "module_output_name": ("token_embeddings",),
}
FAMILIES = ("bert", "distilbert", "mpnet", "roberta", "xlm-roberta", "electra")
PADDING = 16  # tokens; texts are padded to a multiple of it

Item = TypeVar("Item")  # a text as an encoder takes it: token ids, or the text itself


class Encoder(Protocol, Generic[Item]):
    """A model that makes vectors of texts.

    dimension: of its vectors. prompts: what the model expects before a text, by name ("query", "document", ...).
    """

    dimension: int
    prompts: dict[str, str]

    def prepare(self, texts: list[str]) -> list[Item]:
        """Return an item for each text; its length is about its number of tokens, or of characters."""
        ...

    def encode(self, items: list[Item], rows: int = 0) -> np.ndarray:
        """Return float32 (len(items), dimension), not normalized.

        rows: compute at least so many rows, of which the surplus is thrown away.
        """
        ...


class PlainEncoder:
    """An encoder with mean or first-token pooling. It computes in `dtype`, and pools in float32."""

    def __init__(self, folder: Path, device: str, dtype: torch.dtype, delta: Path | None = None):
        """Load the model in `folder`, with a weight delta if one is given."""
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, dtype=dtype, local_files_only=True)
        if delta:
            apply_delta(model, delta)
        self._model, self._device = model.to(device).eval(), device
        self._first_token = _pooling(folder) == "cls"
        limits = [
            _read(folder / "sentence_bert_config.json").get("max_seq_length"),
            getattr(self._model.config, "max_position_embeddings", None),
        ]
        self._longest = min([self._tokenizer.model_max_length, *filter(None, limits)])
        self.dimension = int(self._model.config.hidden_size)
        config = _read(folder / "config_sentence_transformers.json")
        self.prompts = _prompts(config.get("prompts"), config.get("default_prompt_name"))

    def prepare(self, texts: list[str]) -> list[list[int]]:
        """Return the token ids of each text, cut off at the model's longest input."""
        if not texts:
            return []
        stripped = [text.strip() for text in texts]
        ids: list[list[int]] = self._tokenizer(stripped, truncation=True, max_length=self._longest)["input_ids"]
        return ids

    def encode(self, items: list[list[int]], rows: int = 0) -> np.ndarray:
        """Return vectors as `Encoder.encode` does."""
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
            pooled = hidden[:, 0] if self._first_token else _mean(hidden, mask)
        return pooled[: len(items)].cpu().numpy()


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean over the tokens in the mask: (rows, dimension) of (rows, tokens, dimension)."""
    return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class LibraryEncoder:
    """Any model that sentence-transformers loads. The caller puts prompts before the text, as for PlainEncoder."""

    def __init__(self, folder: Path, device: str, dtype: torch.dtype):
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(
            str(folder), device=device, local_files_only=True, model_kwargs={"dtype": dtype}
        )
        self.dimension = int(self._model.get_embedding_dimension())
        self.prompts = _prompts(self._model.prompts, self._model.default_prompt_name)
        self._model.default_prompt_name = None

    def prepare(self, texts: list[str]) -> list[str]:
        """Return the texts, which the library tokenizes itself."""
        return texts

    def encode(self, items: list[str], rows: int = 0) -> np.ndarray:
        """Return vectors as `Encoder.encode` does; no row is surplus."""
        vectors = self._model.encode(items, batch_size=len(items), show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, np.float32)


def open_encoder(folder: Path, device: str, dtype: torch.dtype, delta: Path | None = None) -> Encoder[Any]:
    """Load the model in `folder`: by transformers alone where its files say that this is enough, else by the library.

    Raises ModelError for a weight delta on a model that is no plain encoder.
    """
    if is_plain(folder):
        return PlainEncoder(folder, device, dtype, delta)
    if delta:
        raise ModelError(f"{folder} is no plain encoder, so {delta} can't be put on it: rag adapters --rollback")
    return LibraryEncoder(folder, device, dtype)


def is_plain(folder: Path) -> bool:
    """Tell whether the folder holds a plain encoder.

    Its modules.json then names a Transformer of text, one pooling that is computed here, and perhaps a normalization.
    """
    modules = _read(folder / "modules.json")
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules] if isinstance(modules, list) else []
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) or modules[0]["path"]:
        return False
    config, limits = _read(folder / "config.json"), _read(folder / "sentence_bert_config.json")
    usual = all(value in USUAL.get(key, ()) for key, value in limits.items() if key != "max_seq_length")
    own_code = (folder / "adapter_config.json").exists() or "auto_map" in config
    return usual and not own_code and config.get("model_type") in FAMILIES and bool(_pooling(folder))


def _pooling(folder: Path) -> str:
    """Return "mean" or "cls", "" for anything else."""
    config = _read(folder / "1_Pooling" / "config.json")
    prefix = "pooling_mode_"
    switched_on = [key.removeprefix(prefix) for key, value in config.items() if key.startswith(prefix) and value]
    names = [key.removesuffix("_tokens").removesuffix("_token") for key in switched_on]
    modes = [config["pooling_mode"]] if config.get("pooling_mode") else names
    known = len(modes) == 1 and modes[0] in ("mean", "cls") and config.get("include_prompt", True)
    return modes[0] if known else ""


def _prompts(prompts: dict[str, str] | None, default: str | None) -> dict[str, str]:
    """Return the prompts that are not empty; the default one serves for queries and documents that have none."""
    named = {name: prompt for name, prompt in (prompts or {}).items() if prompt}
    return {"query": named[default], "document": named[default], **named} if default in named else named


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def padded_length(length: int) -> int:
    """Return the length to which a text of `length` tokens is padded, which depends on that text alone."""
    return -(-length // PADDING) * PADDING
