"""Merging an adapter into its base's weights, as a model folder of its own, if it still gives the same answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from peft import PeftModel

from finetune.data.rows import TrainingRow
from rag.core.errors import TrainingError
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.adapter_methods import check_use
from rag.models.adapters import IDENTITY, read_identity, serving_config
from rag.models.causal_lm import load_base
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel, find_model

# Share of answers that may differ: merged weights are rounded once more, and near ties fall the other way.
TOLERANCE = 0.05
BATCH = 8  # prompts answered together


def merge_adapter(
    adapter: Path, model: LocalModel, device: str, rows: Sequence[TrainingRow], out: Path, max_new_tokens: int
) -> float:
    """Write base and adapter as one model to the folder `out`.

    Returns the share of rows that it answers differently from the adapter. Raises ModelError when the adapter's
    method can't be merged, and TrainingError when more than TOLERANCE of the answers differ; `out` is then not there.
    """
    identity = read_identity(adapter)
    check_use(identity.get("method", "lora"), "merge", adapter)
    if out.exists():
        raise TrainingError(f"{out} is there already: choose another folder")
    precision = identity["precision"]
    aside = out.with_name(f".{out.name}")
    _write_merged(adapter, model, device, precision, aside)
    (aside / IDENTITY).write_text(json.dumps(identity, indent=2))
    differing = changed_answers(adapter, model, find_model(str(aside)), device, precision, rows, max_new_tokens)
    if differing > TOLERANCE:
        shutil.rmtree(aside)
        raise TrainingError(
            f"merged, {differing:.0%} of {len(rows)} answers differ from the adapter's, more than {TOLERANCE:.0%}: "
            "serve the adapter, or merge one that was trained with --set model.precision=float32"
        )
    aside.rename(out)
    return differing


def _write_merged(adapter: Path, model: LocalModel, device: str, precision: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    tokenizer, base = load_base(model, device, precision)
    tuned = PeftModel.from_pretrained(base, str(adapter), config=serving_config(adapter))
    tuned.merge_and_unload(safe_merge=True).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def changed_answers(
    adapter: Path,
    model: LocalModel,
    merged: LocalModel,
    device: str,
    precision: str,
    rows: Sequence[TrainingRow],
    max_new_tokens: int,
) -> float:
    """Return the share of rows that base with adapter and merged model answer in different words."""
    merged_precision = "bfloat16" if precision != "float32" and computes_bfloat16(device) else "float32"
    with_adapter = Generator(model, device, precision, adapter)
    wanted = generated_texts(with_adapter, rows, max_new_tokens)
    del with_adapter
    found = generated_texts(Generator(merged, device, merged_precision), rows, max_new_tokens)
    return sum(a != b for a, b in zip(wanted, found, strict=True)) / len(rows)


def generated_texts(generator: Generator, rows: Sequence[TrainingRow], max_new_tokens: int) -> list[str]:
    """Return the freely generated answer to each row."""
    texts: list[str] = []
    for at in range(0, len(rows), BATCH):
        batch = rows[at : at + BATCH]
        prompts = [prompt.render(generator.tokenizer, row.question, list(row.passages)) for row in batch]
        texts += [generation.text for generation in generator.generate(prompts, max_new_tokens)]
    return texts
