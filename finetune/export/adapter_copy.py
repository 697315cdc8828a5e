"""An adapter as other programs load it: as activated LoRA where it is that, and as plain LoRA."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rag.core.errors import TrainingError
from rag.core.jsonl import write_json

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"


def copy_adapter(adapter: Path, base: Path, folder: Path) -> list[Path]:
    """Copy an adapter into `folder`, for a base model in the folder `base`, and return the copies' folders.

    One that acts from the question on is written twice: as activated LoRA, which PEFT and llama.cpp serve, and as plain
    LoRA, which everything serves. Plain, the same matrices also change how passages are read, which they were not
    trained for. Raises TrainingError where there is no adapter in PEFT's format.
    """
    try:
        config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{adapter} is no adapter in PEFT's format: {error}") from error
    config["base_model_name_or_path"] = str(base.resolve())
    plain = {**config, "alora_invocation_tokens": None}
    activated = config.get("alora_invocation_tokens")
    copies = {"adapter-alora": config, "adapter-lora": plain} if activated else {"adapter": config}
    for name, written in copies.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(adapter / WEIGHTS, folder / name / WEIGHTS)
        write_json(folder / name / CONFIG, written)
    return [folder / name for name in copies]
