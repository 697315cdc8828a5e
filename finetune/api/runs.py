"""The runs under var/runs: how far each has come, its curves, and the verdicts on what it has trained."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ValidationError

from finetune.api.curves import Chart, charts_of
from finetune.data.feedback import STAGE as FEEDBACK
from rag.core.run_folder import RUNS, run_folder
from rag.models.adapters import CURVES
from rag.models.registry import history
from rag.server.api.asking import service_of
from rag.server.api.errors import ApiError

router = APIRouter(tags=["training"])
# In the order in which they are done.
STAGES = ("mine", FEEDBACK, "sft", "dpo", "corpus-embedder", "corpus-reranker", "dev", "attribution")
RunName = Annotated[str, InPath(max_length=200)]


class VerdictOut(BaseModel):
    """What the promotion test says of a component that the run has trained. promote: whether it is better."""

    component: str
    promote: bool
    sentence: str


class RunOut(BaseModel):
    """A run. changed: when its last stage finished, UTC. stages: those that have finished, in order."""

    name: str
    changed: str
    stages: list[str]
    verdicts: list[VerdictOut]


class LiveOut(BaseModel):
    """Trained weights that answer now, and the sentence of the test that put them there."""

    component: str
    why: str


class RunsOut(BaseModel):
    """All runs, the newest first. live: what was promoted; what is not named is the shipped one."""

    runs: list[RunOut]
    live: list[LiveOut]


class StageOut(BaseModel):
    """A finished stage. figures: what it wrote of itself, as texts. charts: its curves."""

    name: str
    figures: dict[str, str]
    charts: list[Chart]


class RunDetail(RunOut):
    """A run with its stages. chosen: what choosing among the stages found. cells: measures of each combination."""

    stage_results: list[StageOut]
    chosen: str
    judged_on: str
    cells: dict[str, dict[str, float]]


class _Outcome(BaseModel):
    """A verdict as judging wrote it."""

    promote: bool
    sentence: str


class _Judged(BaseModel):
    """What judging wrote of a run. n: how many questions decided. questions: which ones."""

    n: int = 0
    questions: str = ""
    verdicts: dict[str, _Outcome] = {}
    cells: dict[str, dict[str, float]] = {}


def run_names() -> list[str]:
    """Return the names of the runs of training, the one that changed last first."""
    times = {folder.name: changed for folder in RUNS.glob("[!.]*") if (changed := _changed(folder))}
    return sorted(times, key=lambda name: times[name], reverse=True)


def _finished(folder: Path) -> Iterator[str]:
    return (stage for stage in STAGES if _time(folder / stage / "run.json"))


def _changed(folder: Path) -> float:
    """Return when the last stage of a run finished, 0 where none has."""
    return max(_time(folder / stage / "run.json") for stage in STAGES)


def _time(file: Path) -> float:
    """Return when a file was written, 0 where there is none: training may remove it at any moment."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


@router.get("/runs")
def runs(request: Request) -> RunsOut:
    """List the runs of training, and what of them is live."""
    states = history(service_of(request).index)
    live = [LiveOut(component=name, why=each.why) for name, each in (states[-1] if states else {}).items()]
    return RunsOut(runs=[_run(RUNS / name) for name in run_names()], live=live)


def _run(folder: Path) -> RunOut:
    return RunOut(
        name=folder.name,
        changed=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_changed(folder))),
        stages=list(_finished(folder)),
        verdicts=[
            VerdictOut(component=name, promote=each.promote, sentence=each.sentence)
            for name, each in _judged(folder).verdicts.items()
        ],
    )


def _judged(folder: Path) -> _Judged:
    """Return what judging the run found; nothing where it was not judged, or by a version that wrote it otherwise."""
    try:
        return _Judged.model_validate(_result(folder, "attribution"))
    except ValidationError:
        return _Judged()


def _result(folder: Path, stage: str) -> dict[str, Any]:
    """Return what a stage wrote when it finished; nothing where it has not, or its file is damaged."""
    try:
        found = json.loads((folder / stage / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@router.get("/runs/{run}")
def run(request: Request, run: RunName) -> RunDetail:
    """Return a run with the results and curves of its stages."""
    folder = run_folder(run)
    if not any(_finished(folder)):
        raise ApiError(404, f"there is no run called {run[:200]!r}: GET /runs lists all")
    judged = _judged(folder)
    whose = f"{judged.n} gate questions ({judged.questions})" if judged.n else ""
    return RunDetail(
        **_run(folder).model_dump(),
        stage_results=[_stage(folder, name) for name in _finished(folder) if name not in ("dev", "attribution")],
        chosen=_result(folder, "dev").get("sentence", ""),
        judged_on=whose,
        cells=judged.cells,
    )


def _stage(folder: Path, name: str) -> StageOut:
    try:
        history = json.loads((folder / name / "adapter" / CURVES).read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, LookupError, TypeError):
        history = []
    return StageOut(name=name, figures=_figures(_result(folder, name)), charts=charts_of(history))


def _figures(result: dict[str, Any]) -> dict[str, str]:
    """Return the facts of a result that people read; digests, and lists of all documents, say nothing to them."""
    shown = {key: value for key, value in result.items() if key not in ("base", "prompt", "data", "documents", "run")}
    return {key.replace("_", " "): _text(value) for key, value in shown.items() if value not in (None, "", {}, [])}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        inner = {key: f"({_text(each)})" if isinstance(each, dict) else _text(each) for key, each in value.items()}
        return ", ".join(f"{key} {each}" for key, each in inner.items() if each != "()")
    if isinstance(value, float):
        return f"{value:.4g}"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
