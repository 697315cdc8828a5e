"""GGUF files as bfloat16 safetensors folders, which transformers loads in a second instead of half a minute."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from rag.core.progress import library_progress

# Written last, so that a folder without it was not finished.
FINISHED = "source.json"


def converted_folder(gguf: Path, sha256: str, cache: Path) -> Path:
    """Return the folder of the converted model in `cache`; convert it first where that has not been done."""
    folder = find_converted(gguf.stem, sha256, cache)
    return folder or _convert_once(gguf, sha256, cache)


def find_converted(stem: str, sha256: str, cache: Path) -> Path | None:
    """Return the finished conversion of a GGUF file, given its name without the suffix and its SHA-256."""
    folder = _folder(stem, sha256, cache)
    return folder if (folder / FINISHED).exists() else None


def _folder(stem: str, sha256: str, cache: Path) -> Path:
    return cache / f"{stem}-{sha256[:12]}"


def _convert_once(gguf: Path, sha256: str, cache: Path) -> Path:
    print(
        f"converting {gguf.name} to bfloat16 safetensors, once (about 30 s; SHA-256 {sha256[:12]}… checked)",
        file=sys.stderr,
    )
    folder = _folder(gguf.stem, sha256, cache)
    aside = cache / f".{folder.name}.{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    _convert(gguf, aside)
    (aside / FINISHED).write_text(json.dumps({"file": gguf.name, "sha256": sha256}))
    if other := find_converted(gguf.stem, sha256, cache):  # another process finished first, and uses its folder
        shutil.rmtree(aside)
        return other
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    print(f"converted to {folder}", file=sys.stderr)
    return folder


def _convert(gguf: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    with library_progress():
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),
            trust_remote_code=False,
        )
    model.save_pretrained(target)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, trust_remote_code=False)
    tokenizer.save_pretrained(target)
