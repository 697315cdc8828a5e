"""From the log of a training to the charts that show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

# Charts by title: the lines of each, with the names that the log has for them.
CHARTS = {
    "Loss": {"training": "loss", "development": "eval_loss"},
    "F1 on dev questions": {"F1": "eval_f1"},
    "Margin of rewards, chosen over rejected": {"training": "rewards/margins", "development": "eval_rewards/margins"},
    "Share of pairs with the chosen output ahead": {
        "training": "rewards/accuracies",
        "development": "eval_rewards/accuracies",
    },
}


class Line(BaseModel):
    """A line of a chart. points: (step, value)."""

    name: str
    points: list[tuple[float, float]]


class Chart(BaseModel):
    """A chart over the steps of a training."""

    title: str
    lines: list[Line]


def charts_of(history: Sequence[dict[str, Any]]) -> list[Chart]:
    """Return the charts that a log has points for. history: entries with their step, as transformers keeps them."""
    found = []
    for title, names in CHARTS.items():
        lines = [Line(name=name, points=_points(history, key)) for name, key in names.items()]
        if drawn := [line for line in lines if line.points]:
            found.append(Chart(title=title, lines=drawn))
    return found


def _points(history: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(entry["step"], entry[key]) for entry in history if key in entry and "step" in entry]
