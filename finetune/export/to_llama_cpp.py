"""A model, and its adapter, for llama.cpp and the programs around it, published only if it answers as ours does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from finetune.data.rows import TrainingRow
from finetune.export.gguf_adapter import write_adapter_gguf
from finetune.export.gguf_model import write_model_gguf
from finetune.export.llama_cpp import LlamaCpp, installed
from finetune.generator.adapter_folder import write_identity
from finetune.generator.merge import generated_texts, merge_adapter
from rag.core.errors import TrainingError
from rag.generation.generator import Generator
from rag.models.adapter_methods import METHODS
from rag.models.adapters import read_identity
from rag.models.causal_lm import load_base
from rag.models.resolve import LocalModel

# Share of answers that may differ: arithmetic in another order, and near ties fall the other way.
TOLERANCE = 0.1
MODEL, ADAPTER, MERGED = "model.gguf", "adapter.gguf", "merged"


def export_llama_cpp(
    folder: Path,
    model: LocalModel,
    precision: str,
    adapter: Path | None,
    rows: Sequence[TrainingRow],
    max_new_tokens: int,
) -> float | None:
    """Write model.gguf to `folder`, and what the adapter needs.

    A merged model where the adapter can be merged, with the model's own folder beside it; else the base and
    adapter.gguf. precision: of the base where there is no adapter; with one it is that of its training. Returns the
    share of rows that llama.cpp answers otherwise than ours, None where llama.cpp is not installed. Raises
    TrainingError where it is more than TOLERANCE, or the adapter is of a kind that llama.cpp does not serve.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = read_identity(adapter) if adapter else {"precision": precision}
    method = METHODS.get(identity.get("method", "lora"))
    merged = adapter is not None and method is not None and method.merge
    if adapter and merged:
        merge_adapter(adapter, model, "cpu", rows, folder / MERGED, max_new_tokens)
        write_model_gguf(folder / MERGED, folder / MODEL, f"{model.name} with {adapter.name}")
    else:
        if adapter:
            write_adapter_gguf(adapter, model.path, folder / ADAPTER)
        _write_base(model, identity["precision"], folder / MODEL)
    if not installed():
        return None
    attached = folder / ADAPTER if adapter and not merged else None
    differing = _differing(folder / MODEL, attached, model, identity["precision"], adapter, rows, max_new_tokens)
    if differing > TOLERANCE:
        for written in (folder / MODEL, folder / ADAPTER):
            written.unlink(missing_ok=True)
        raise TrainingError(f"llama.cpp answers {differing:.0%} of {len(rows)} rows otherwise, over {TOLERANCE:.0%}")
    return differing


def _write_base(model: LocalModel, precision: str, out: Path) -> None:
    """Write the base with the weights that an adapter was trained on: rounded to NF4 and unpacked, where that was so.

    On others its answers are worse.
    """
    if precision != "nf4":
        write_model_gguf(model.path, out, model.name)
        return
    tokenizer, base = load_base(model, "cpu", precision)
    with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
        base.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        write_model_gguf(Path(temporary), out, f"{model.name} in NF4, unpacked")


def _differing(
    gguf: Path,
    adapter_gguf: Path | None,
    model: LocalModel,
    precision: str,
    adapter: Path | None,
    rows: Sequence[TrainingRow],
    max_new_tokens: int,
) -> float:
    with tempfile.TemporaryDirectory() as temporary:
        if adapter:  # llama.cpp reads passages after each other, never one by one
            adapter = Path(shutil.copytree(adapter, Path(temporary) / "adapter"))
            write_identity(adapter, {**read_identity(adapter), "apart": False})
        ours = Generator(model, "cpu", precision, adapter)
        wanted = generated_texts(ours, rows, max_new_tokens)
    found = LlamaCpp(gguf, adapter_gguf).answers(ours.tokenizer, rows, max_new_tokens, adapter_gguf is not None)
    return sum(a.strip() != b.strip() for a, b in zip(wanted, found, strict=True)) / len(rows)
