"""The report's plots, as SVG text that is the same each time."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#7f7f7f", "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd")  # of the generators, in order; the page uses the same
BARS = (
    ("f1", "F1"), ("exact_match", "exact\nmatch"), ("citation_precision", "citation\nprecision"), ("citation_recall", "citation\nrecall"),
    ("groundedness", "grounded"), ("right_refusals", "right\nrefusals"), ("hallucination_rate", "halluci-\nnations"),
)  # fmt: skip

Figures = dict[str, Any]


def plots(summary: Figures) -> list[tuple[str, str]]:
    """-> (caption, SVG) of each plot that the run has data for."""
    drawn = [
        (caption, _svg(draw.__name__, lambda axes, draw=draw: draw(axes, summary), width))
        for caption, draw, width in DRAWN
    ]
    for name, made in summary["made_by"].items():
        if made["curves"]:
            svg = _svg(f"training {name}", lambda axes, curves=made["curves"]: _training(axes, curves), 4.1)
            drawn.append((f"Training of {name}: loss on training and on development rows.", svg))
    return drawn


def _svg(name: str, draw: Callable[[Axes], None], width: float) -> str:
    """name: salts the ids, which must differ between plots on one page."""
    with matplotlib.rc_context(
        {"svg.hashsalt": name, "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}
    ):
        figure = Figure(figsize=(width, 3.1), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _bars(axes: Axes, summary: Figures) -> None:
    generators, shown = (
        summary["generators"],
        [(k, t) for k, t in BARS if any(k in g["intervals"] for g in summary["generators"].values())],
    )
    width = 0.8 / len(generators)
    for i, (name, figures) in enumerate(generators.items()):
        for x, (key, _) in enumerate(shown):
            if key in figures["intervals"]:
                value, low, high = figures["intervals"][key]
                at = x + i * width
                error = {"yerr": [[value - low], [high - value]], "ecolor": "#333", "capsize": 2}
                axes.bar(at, value, width * 0.92, color=_colour(i), label=name if x == 0 else None, **error)
                axes.text(at, high + 0.015, f"{value:.2f}", ha="center", fontsize=7)
    axes.set_xticks([x + width * (len(generators) - 1) / 2 for x in range(len(shown))], [title for _, title in shown])
    axes.set_ylim(0, 1.06)
    _legend(axes)


def _coverage(axes: Axes, summary: Figures) -> None:
    for i, (name, figures) in enumerate(summary["generators"].items()):
        curve = figures["coverage"]
        if curve:
            area = f"{name} (area {figures['coverage_area']:.2f})"
            axes.plot(*zip(*curve, strict=True), color=_colour(i), label=area, marker="." if len(curve) < 15 else None)
    axes.set(
        xlim=(0, 1), ylim=(0, 1.03), xlabel="coverage: share of questions, surest first", ylabel="share decided rightly"
    )
    _legend(axes)


def _calibration(axes: Axes, summary: Figures) -> None:
    axes.plot([0, 1], [0, 1], color="#bbb", lw=1)
    for i, (name, figures) in enumerate(summary["generators"].items()):
        bins = figures["calibration"]
        if bins:
            ece = f"{name} (ECE {figures['ece']:.2f})"
            axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], color=_colour(i), lw=1, label=ece)
            axes.scatter(
                [b["confidence"] for b in bins],
                [b["accuracy"] for b in bins],
                [12 + 2 * b["n"] ** 0.5 * 4 for b in bins],
                color=_colour(i),
            )
    axes.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="confidence", ylabel="accuracy (dot: number of answers)")
    _legend(axes)


def _latency(axes: Axes, summary: Figures) -> None:
    for i, figures in enumerate(summary["generators"].values()):
        seconds = figures["latency_s"]
        axes.barh(
            i,
            seconds["p50"],
            0.6,
            color=_colour(i),
            xerr=[[0], [seconds["p95"] - seconds["p50"]]],
            ecolor="#333",
            capsize=3,
        )
        axes.barh(i, seconds["first_token_p50"], 0.6, color="#00000033")
    axes.set_yticks(range(len(summary["generators"])), list(summary["generators"]))
    axes.invert_yaxis()
    axes.set_xlabel("seconds (dark part: until the first token)")


def _training(axes: Axes, curves: dict[str, list[Figures]]) -> None:
    offset = 0
    for i, (stage, history) in enumerate(curves.items()):
        for key, style in (("loss", "-"), ("eval_loss", "o--")):
            points = [(offset + entry["step"], entry[key]) for entry in history if key in entry]
            if points:
                label = f"{stage}, {'development' if key == 'eval_loss' else 'training'}"
                axes.plot(*zip(*points, strict=True), style, color=_colour(1 + i), ms=4, label=label)
        offset += max((entry["step"] for entry in history), default=0)
    axes.set(xlabel="optimizer steps", ylabel="loss")
    axes.set_ylim(bottom=0)
    _legend(axes)


DRAWN = (
    ("Each measure with its 95 % bootstrap interval. Less is better for hallucinations only.", _bars, 8.4),
    (
        "How many of the surest decisions, answers and refusals, are right. A curve that starts high and falls late knows what it knows.",
        _coverage,
        4.1,
    ),
    (
        "Confidence against accuracy of the answers given; on the line, confidence means what it says.",
        _calibration,
        4.1,
    ),
    (
        "Seconds of an answer, asked one at a time: half are faster than the bar, 95 in 100 than the whisker.",
        _latency,
        4.1,
    ),
)


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)
