"""Published figures: each stands in eval/published.toml with its command, and with how far it may be off when rerun."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.core.errors import EvaluationError

FILE = Path(__file__).parents[1] / "published.toml"
ROUNDING = 1e-9


@dataclass(frozen=True)
class Figure:
    """A published number.

    group, key: dotted paths, of a group in the command's JSON and of the figure in the group. n: questions or rows.
    low, high: of a difference, at 95 %. relative, tolerance: how far it may be off, if not by its standard error.
    diagnostic: it rests on the groundedness check.
    """

    group: str
    key: str
    value: float
    n: int | None = None
    low: float | None = None
    high: float | None = None
    relative: float | None = None
    tolerance: float | None = None
    diagnostic: bool = False

    @property
    def path(self) -> str:
        """Return where the figure stands in the command's JSON."""
        return f"{self.group}.{self.key}"

    def allowed(self) -> float:
        """Return how far the figure may be off when it is made again.

        Of a difference it is half its interval; of a mean of n numbers in 0 to 1 two standard errors, for which p (1
        - p) bounds the variance, and two questions of n at least. Raises EvaluationError where nothing says it.
        """
        if self.tolerance is not None:
            return self.tolerance
        if self.relative is not None:
            return abs(self.value) * self.relative
        if self.low is not None and self.high is not None:
            return (self.high - self.low) / 2
        if self.n and 0 <= self.value <= 1:
            return max(2 * math.sqrt(self.value * (1 - self.value) / self.n), 2 / self.n)
        raise EvaluationError(f"eval/published.toml does not say how far {self.path} may be off: give n, or relative")


@dataclass(frozen=True)
class Result:
    """The figures of one command.

    commit, machine: what they were made on. chosen_on: what the same data has chosen. files: what the command writes,
    by name; where it is one file, its name is "". not_rerun: why make reproduce leaves it out, "" where it does not.
    labels: what eval/RESULTS.md calls groups and keys.
    """

    name: str
    title: str
    command: str
    commit: str
    machine: str
    chosen_on: str
    figures: list[Figure]
    note: str = ""
    verdict: str = ""
    not_rerun: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)


def read_published(path: Path = FILE) -> list[Result]:
    """Read the published results."""
    return [_result(entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["result"]]


def read_machines(path: Path = FILE) -> dict[str, str]:
    """Read what the names of machines stand for."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["machines"]


def _result(entry: dict[str, Any]) -> Result:
    groups, file, files = entry.pop("figures"), entry.pop("file", None), entry.pop("files", {})
    defaults: dict[str, float] = {key: entry.pop(key) for key in ("relative", "tolerance") if key in entry}
    figures = [
        Figure(group, key, **_with_defaults(figure, defaults))
        for group, values in groups.items()
        for key, figure in values.items()
    ]
    paths = {"": Path(file)} if file else {name: Path(each) for name, each in files.items()}
    return Result(**entry, figures=figures, files=paths)


def _with_defaults(figure: dict[str, Any], defaults: dict[str, float]) -> dict[str, Any]:
    return figure if {"relative", "tolerance"} & figure.keys() else {**defaults, **figure}


def reproduce(only: str | None = None, path: Path = FILE) -> None:
    """Run the command of each result, or of the one called `only`, and print how its figures compare.

    Raises EvaluationError where a command fails, a name is unknown, or a figure is off by more than is allowed.
    """
    results = read_published(path)
    chosen = [result for result in results if only in (None, result.name)]
    if not chosen:
        raise EvaluationError(f"no result is called {only}; there are {', '.join(r.name for r in results)}")
    off = sum(_rerun(result) for result in chosen)
    if off:
        raise EvaluationError(f"{off} published figures are not what their commands give here")


def _rerun(result: Result) -> int:
    """Return how many figures are off."""
    if result.not_rerun:
        print(f"--- {result.name}: not rerun, {result.not_rerun}", flush=True)
        return 0
    print(f"--- {result.name}: {result.command}", flush=True)
    # The folder of this interpreter comes first, so that the command's `python` is this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if subprocess.run(result.command, shell=True, env={**os.environ, "PATH": path}).returncode:
        raise EvaluationError(f"the command of {result.name} failed: {result.command}")
    lines = list(compare_figures(result, _read_files(result.files)))
    print("\n".join(line for line, _ in lines))
    return sum(not same for _, same in lines)


def _read_files(files: dict[str, Path]) -> Any:
    """Return the JSON of the one file, or of each file by its name."""
    if "" in files:
        return json.loads(files[""].read_text(encoding="utf-8"))
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items()}


def compare_figures(result: Result, found: Any) -> Iterator[tuple[str, bool]]:
    """Yield a line for each figure, and whether what the command gave is near enough. found: the command's JSON."""
    for figure in result.figures:
        now, allowed = look_up(found, figure.path), figure.allowed()
        same = now is not None and abs(now - figure.value) <= allowed + ROUNDING
        state = "same" if same else "OFF "
        yield f"{state} {figure.path}: published {figure.value}, now {now}, allowed {allowed:.4f}", same


def look_up(found: Any, path: str) -> float | None:
    """Return the number at a dotted path, None where there is none.

    A number in the path picks from a list; keys may hold dots themselves.
    """
    parts = path.split(".")
    if isinstance(found, list) and parts[0].isdecimal() and int(parts[0]) < len(found):
        return _rest(found[int(parts[0])], parts[1:])
    if isinstance(found, dict):
        for end in range(len(parts), 0, -1):
            key = ".".join(parts[:end])
            if key in found and (value := _rest(found[key], parts[end:])) is not None:
                return value
    return None


def _rest(found: Any, parts: list[str]) -> float | None:
    if parts:
        return look_up(found, ".".join(parts))
    return found if isinstance(found, int | float) else None
