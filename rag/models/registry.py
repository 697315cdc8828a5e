"""What training has put in place of what ships, why, and how to go back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.core.errors import ModelError
from rag.models.weight_delta import DELTA_FILE

LIVE = Path("var/adapters/live.json")  # a line for each state that was live, the last one is
VERDICTS = LIVE.with_name("verdicts.json")
COMPONENTS = ("embedder", "reranker", "generator")
WEIGHTS = {
    "generator": "adapter_model.safetensors",
    "embedder": DELTA_FILE,
    "reranker": DELTA_FILE,
}  # the file in a component's folder that is judged


@dataclass(frozen=True)
class Promotion:
    """Trained weights that serve: their folder, and the sentence of the test that put them there."""

    folder: str
    why: str


State = dict[str, Promotion]  # component -> what serves in place of what ships


def weights_digest(component: str, folder: Path) -> str:
    """-> 8 hex digits of the component's weights."""
    return hashlib.sha256((folder / WEIGHTS[component]).read_bytes()).hexdigest()[:8]


def history() -> list[State]:
    """-> every state so far, the live one last. Raises ModelError when the file can't be read."""
    if not LIVE.exists():
        return []
    try:
        with LIVE.open(encoding="utf-8") as file:
            return [_state(json.loads(line)) for line in file]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{LIVE} can't be read ({error}): delete it, or make train") from error


def _state(line: dict[str, Any]) -> State:
    if "adapter" in line:  # as it was written when generators alone were promoted
        return {"generator": Promotion(line["adapter"], line["why"])}
    return {component: Promotion(**line[component]) for component in COMPONENTS if component in line}


def live_weights(component: str) -> Path | None:
    """-> the folder of the promoted weights, None where what ships still serves."""
    found = history()[-1:]
    return Path(found[0][component].folder) if found and component in found[0] else None


def set_live(new: State) -> None:
    """Make these serve from now on, beside what else is live."""
    known = history()
    _write(LIVE, [*known, {**(known[-1] if known else {}), **new}])


def roll_back() -> tuple[State, State]:
    """-> the state left and the one that is live again. The weights left stay on disk. Raises ModelError when nothing was promoted."""
    known = history()
    if not known:
        raise ModelError("nothing was promoted, so there is nothing to go back to: make train")
    _write(LIVE, known[:-1])
    return known[-1], known[-2] if len(known) > 1 else {}


def record_verdicts(verdicts: dict[str, str]) -> None:
    """Keep the last verdict on each component, whether it was promoted or not."""
    VERDICTS.parent.mkdir(parents=True, exist_ok=True)
    aside = VERDICTS.with_name(f".{VERDICTS.name}.{os.getpid()}")
    aside.write_text(json.dumps({**last_verdicts(), **verdicts}, ensure_ascii=False, indent=1), encoding="utf-8")
    aside.rename(VERDICTS)


def last_verdicts() -> dict[str, str]:
    return json.loads(VERDICTS.read_text(encoding="utf-8")) if VERDICTS.exists() else {}


def describe(shipped: dict[str, str]) -> Iterator[str]:
    """What is live and why, a few lines a component. shipped: what serves where nothing was promoted."""
    found, verdicts = history(), last_verdicts()
    for component in COMPONENTS:
        promoted = found[-1].get(component) if found else None
        yield f"{component}: {promoted.folder if promoted else shipped[component]}"
        if promoted:
            yield f"  live since {promoted.why}"
        yield f"  last verdict: {verdicts.get(component, 'none yet (make train)')}"
    yield (
        f"{len(found)} states to go back from: rag adapters --rollback"
        if found
        else "nothing was promoted; all of it is what ships"
    )


def _write(path: Path, found: list[State]) -> None:
    """Written aside and renamed, so that a killed process leaves the former state."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(
        "".join(json.dumps({c: asdict(p) for c, p in state.items()}, ensure_ascii=False) + "\n" for state in found),
        encoding="utf-8",
    )
    aside.rename(path)
