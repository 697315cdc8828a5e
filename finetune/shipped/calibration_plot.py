"""A picture of how far the span selector's confidence is right, by set: each judged with the weights of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from finetune.shipped.selector_fitting import RIGHT, ScoredProposal, fit_weights, select_all

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BINS, IN_BIN = 5, 12  # of equally many answers: a set has 16 to 100
COLUMNS = 5

Judged = list[tuple[float, bool]]  # the confidence of an answer, and whether it is right


def judge_by_others(proposals: Mapping[str, Sequence[ScoredProposal]]) -> dict[str, Judged]:
    """Return, by set, each answer's confidence by weights fitted on all other sets, and whether the answer is right."""
    judged = {}
    for name, own in proposals.items():
        others = [p for other, each in proposals.items() if other != name for p in each]
        if any(p.f1 >= RIGHT for p in others):
            judged[name] = [(sure, p.f1 >= RIGHT) for p, sure in select_all(own, fit_weights(others))]
    return judged


def draw_calibration(judged: Mapping[str, Judged], out: Path) -> None:
    """Draw confidence against the share of right answers, one panel a set and one over all, and write it to `out`."""
    from matplotlib.figure import Figure

    panels = {"all sets": [answer for each in judged.values() for answer in each], **judged}
    rows = -(-len(panels) // COLUMNS)
    figure = Figure((2.2 * COLUMNS, 2.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).flat)
    for axis, (name, answers) in zip(axes, panels.items(), strict=False):
        _draw(axis, name, answers)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.supxlabel("confidence")
    figure.supylabel("share of right answers")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Date": None})


def _draw(axis: Axes, name: str, answers: Judged) -> None:
    axis.plot([0, 1], [0, 1], color="#bbb", lw=1)
    bins = max(1, min(MOST_BINS, len(answers) // IN_BIN))
    points = [part.mean(0) for part in np.array_split(np.array(sorted(answers)), bins)]
    axis.plot(*zip(*points, strict=True), color="#1f77b4", lw=1, marker="o", ms=3)
    axis.set(xlim=(0, 1), ylim=(0, 1.03))
    axis.set_title(f"{name} ({len(answers)})", fontsize=8)
