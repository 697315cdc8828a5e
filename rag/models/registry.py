"""Promoted weights: which trained weights an index uses in place of the shipped ones, why, and how to go back.

They belong to an index and stay in its folder `adapters`, with `live.json` (one line for each state, the last is live)
and `verdicts.json`. Folders are written relative to it, so that an index can be moved with its weights.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.core.errors import ModelError
from rag.core.jsonl import json_object
from rag.models.weight_delta import DELTA_FILE

INDEX = Path("var/index")  # the default index
LEGACY = Path("var/adapters")  # where the weights of the default index were before; read until its next promotion
STATES_FILE, VERDICTS_FILE = "live.json", "verdicts.json"
COMPONENTS = ("embedder", "reranker", "generator")
CONFIDENCE_FILE = "confidence.json"  # beside an adapter: its recalibration, see rag.answering.spans.confidence
WEIGHTS_FILE = {"generator": "adapter_model.safetensors", "embedder": DELTA_FILE, "reranker": DELTA_FILE}


@dataclass(frozen=True)
class Promotion:
    """Trained weights that serve: their folder, and the sentence of the test that put them there."""

    folder: Path
    why: str


State = dict[str, Promotion]  # by component; one that is missing is served by the shipped weights


def adapters_folder(index: Path) -> Path:
    """Return the folder of the index's promoted weights."""
    return index / "adapters"


def weights_digest(component: str, folder: Path) -> str:
    """Return 8 hex digits that identify the component's weights and, of an adapter, its fitted confidence."""
    digest = hashlib.sha256((folder / WEIGHTS_FILE[component]).read_bytes())
    if (folder / CONFIDENCE_FILE).exists():
        digest.update((folder / CONFIDENCE_FILE).read_bytes())
    return digest.hexdigest()[:8]


def history(index: Path) -> list[State]:
    """Return every state of the index so far, the live one last.

    Raises ModelError when the file cannot be read.
    """
    path = _find(index, STATES_FILE)
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8") as file:
            return [_state(json_object(line), path.parent) for line in file]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} cannot be read ({error}): delete it, or make train") from error


def live_weights(index: Path, component: str) -> Path | None:
    """Return the folder of the promoted weights, None if the shipped ones serve."""
    states = history(index)
    return states[-1][component].folder if states and component in states[-1] else None


def kept_weights(index: Path) -> list[Path]:
    """Return the folders of all weights that were ever promoted to the index and are still there."""
    homes = [LEGACY, adapters_folder(index)] if _is_default(index) else [adapters_folder(index)]
    folders = {folder.name: folder for home in homes for folder in sorted(home.glob("[!.]*")) if folder.is_dir()}
    return list(folders.values())


def embedder_weights(index: Path, name: str) -> Path | None:
    """Return the folder of an embedder that was once promoted, by the name of its weight delta; None if it is gone."""
    return next((folder for folder in kept_weights(index) if folder.name.endswith(f"-embedder-{name}")), None)


def keep_weights(index: Path, folder: Path, name: str) -> Path:
    """Copy weights into the index's folder under a name, unless they are there already, and return the copy.

    Raises ModelError, and leaves nothing, where they can't be copied whole.
    """
    target = adapters_folder(index) / name
    if not target.exists():
        for unfinished in adapters_folder(index).glob(f".{name}.*"):  # of a process that was killed
            shutil.rmtree(unfinished, ignore_errors=True)
        aside = target.with_name(f".{name}.{os.getpid()}")
        try:
            shutil.copytree(folder, aside)
            aside.rename(target)
        except OSError as error:  # shutil.Error is one
            shutil.rmtree(aside, ignore_errors=True)
            raise ModelError(f"{folder} can't be copied to {target} ({error}): check the disk") from error
    return target


def set_live(index: Path, new: State) -> None:
    """Let these weights serve from now on; the other components stay as they are.

    What serves already, as where a promotion was killed and is done again, is no state of its own to go back to.
    """
    states = history(index)
    before = states[-1] if states else {}
    if {**before, **new} != before:
        _write_states(index, [*states, {**before, **new}])


def roll_back(index: Path) -> tuple[State, State]:
    """Go back to the state before the last promotion; return the state left and the one that is live again.

    The weights left stay on disk. Raises ModelError when nothing was promoted.
    """
    states = history(index)
    if not states:
        raise ModelError("nothing was promoted, so there is nothing to go back to: make train")
    _write_states(index, states[:-1])
    return states[-1], states[-2] if len(states) > 1 else {}


def record_verdicts(index: Path, verdicts: dict[str, str]) -> None:
    """Remember the last verdict on each component, whether it was promoted or not."""
    text = json.dumps({**last_verdicts(index), **verdicts}, ensure_ascii=False, indent=1)
    _write(adapters_folder(index) / VERDICTS_FILE, text)


def last_verdicts(index: Path) -> dict[str, str]:
    """Return the last verdict on each component. Raises ModelError when the file cannot be read."""
    path = _find(index, VERDICTS_FILE)
    try:
        return {str(name): str(said) for name, said in json_object(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}): delete it; the next promotion writes it anew") from error


def describe(index: Path, shipped: dict[str, str]) -> Iterator[str]:
    """Yield lines that say what is live and why. shipped: what serves where nothing was promoted, by component."""
    states, verdicts = history(index), last_verdicts(index)
    for component in COMPONENTS:
        promoted = states[-1].get(component) if states else None
        yield f"{component}: {promoted.folder if promoted else shipped[component]}"
        if promoted:
            yield f"  live because {promoted.why}"
        yield f"  last verdict: {verdicts.get(component, 'none yet (make train)')}"
    if states:
        yield f"promotions so far: {len(states)}; the last is undone by rag adapters --rollback"
    else:
        yield "nothing was promoted: all weights are the shipped ones"


def _is_default(index: Path) -> bool:
    return index.resolve() == INDEX.resolve()


def _find(index: Path, name: str) -> Path:
    """Return the path of a file of the registry, the legacy one if only that exists."""
    path = adapters_folder(index) / name
    legacy = not path.exists() and _is_default(index) and (LEGACY / name).exists()
    return LEGACY / name if legacy else path


def _state(line: dict[str, Any], home: Path) -> State:
    """Return the state in one line. Folders are relative to `home`; in the legacy file, to the working directory."""
    if "adapter" in line:  # as written when only generators were promoted
        line = {"generator": {"folder": line["adapter"], "why": line["why"]}}
    root = Path() if home == LEGACY else home
    return {name: Promotion(root / line[name]["folder"], line[name]["why"]) for name in COMPONENTS if name in line}


def _write_states(index: Path, states: list[State]) -> None:
    home = adapters_folder(index)
    lines = []
    for state in states:
        folders = {name: _stored_folder(index, promotion.folder, home) for name, promotion in state.items()}
        lines.append({name: {"folder": folders[name], "why": promotion.why} for name, promotion in state.items()})
    _write(home / STATES_FILE, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _stored_folder(index: Path, folder: Path, home: Path) -> str:
    """Return the folder as live.json names it: relative to `home` if it is there. Legacy weights are copied first."""
    if folder.parent == LEGACY and folder.is_dir():
        folder = keep_weights(index, folder, folder.name)
    folder, home = folder.resolve(), home.resolve()
    return str(folder.relative_to(home) if folder.is_relative_to(home) else folder)


def _write(path: Path, text: str) -> None:
    """Write the text aside and rename it, so that a killed process leaves the file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    aside.rename(path)
