"""An adapter taken up by its base's weights, as a model folder of its own, if it still says the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from peft import PeftModel

from finetune.data.rows import TrainingRow
from finetune.generator.peft_methods import find_method
from rag.core.errors import TrainingError
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.adapters import IDENTITY, read_identity, serving_config
from rag.models.causal_lm import load_base
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel, find_model

TOLERANCE = (
    0.05  # share of answers that may differ: merged weights are rounded once more, and near ties fall the other way
)


def merge(
    adapter: Path, model: LocalModel, device: str, rows: list[TrainingRow], out: Path, max_new_tokens: int
) -> float:
    """Write base and adapter as one model to `out`; -> share of the rows that it answers otherwise than the adapter does.

    Raises TrainingError when the method can't be merged, or more than TOLERANCE of the answers differ; `out` is then not there."""
    made = read_identity(adapter)
    method = made.get("method", "lora")
    if not find_method(method).mergeable:
        raise TrainingError(
            f"{adapter} was trained with {method}, which is not a change of the base's weights: --set sft.method=lora trains one that is"
        )
    if out.exists():
        raise TrainingError(f"{out} is there already: choose another --out")
    tokenizer, base = load_base(model, device, made["precision"])
    aside = out.with_name(f".{out.name}")
    shutil.rmtree(aside, ignore_errors=True)
    whole = PeftModel.from_pretrained(base, str(adapter), config=serving_config(adapter)).merge_and_unload(
        safe_merge=True
    )
    whole.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    (aside / IDENTITY).write_text(json.dumps(made, indent=2))
    apart = differing(adapter, model, find_model(str(aside)), device, made["precision"], rows, max_new_tokens)
    if apart > TOLERANCE:
        shutil.rmtree(aside)
        raise TrainingError(f"merged, {apart:.0%} of {len(rows)} answers differ from the adapter's, more than {TOLERANCE:.0%}: serve the adapter, or merge "
                            "one that was trained with --set model.precision=float32")  # fmt: skip
    aside.rename(out)
    return apart


def differing(
    adapter: Path,
    model: LocalModel,
    merged: LocalModel,
    device: str,
    precision: str,
    rows: list[TrainingRow],
    max_new_tokens: int,
) -> float:
    """-> share of rows that the two answer in other words."""
    low = "bfloat16" if precision != "float32" and computes_bfloat16(device) else "float32"
    said = []
    for generator in (Generator(model, device, precision, adapter), Generator(merged, device, low)):
        prompts = [prompt.render(generator.tokenizer, row.question, list(row.passages)) for row in rows]
        said.append(
            [g.text for at in range(0, len(rows), 8) for g in generator.generate(prompts[at : at + 8], max_new_tokens)]
        )
    return sum(a != b for a, b in zip(*said, strict=True)) / len(rows)
