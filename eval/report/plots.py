"""The report's plots, as SVG text that is the same each time."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from eval.metrics.prediction import Figures

# Of the generators, in order; the page uses the same.
COLOURS = ("#7f7f7f", "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd")
BARS = {
    "f1": "F1",
    "exact_match": "exact\nmatch",
    "right_refusals": "right\nrefusals",
    "squad2_f1": "F1\nover all",
    "citation_precision": "citation\nprecision",
    "citation_recall": "citation\nrecall",
}
FONT: dict[RcKeyType, float | str] = {"font.size": 9, "font.family": "sans-serif"}
WIDE, NARROW, HEIGHT = 8.4, 4.1, 3.1  # inches

Draw = Callable[[Axes, Figures], None]


@dataclass(frozen=True)
class Plot:
    """A plot of a summary. has_data: whether there is anything to draw."""

    name: str
    caption: str
    draw: Draw
    has_data: Callable[[Figures], bool]
    width: float = NARROW


def plots(summary: Figures) -> list[tuple[str, str]]:
    """Return the caption and the SVG of each plot that the run has data for."""
    drawn = [(plot.caption, _svg(plot, summary)) for plot in PLOTS if plot.has_data(summary)]
    for name, made in summary["made_by"].items():
        if made["curves"]:
            caption = f"Training of {name}: loss on training rows and on development rows."
            plot = Plot(f"training {name}", caption, _training, _always)
            drawn.append((caption, _svg(plot, made["curves"])))
    return drawn


def _svg(plot: Plot, figures: Figures) -> str:
    # The salt makes ids that differ between the plots of one page, and not between two runs.
    with matplotlib.rc_context({"svg.hashsalt": plot.name, "svg.fonttype": "none", **FONT}):
        figure = Figure(figsize=(plot.width, HEIGHT), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        plot.draw(axes, figures)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _bars(axes: Axes, summary: Figures) -> None:
    generators = summary["generators"]
    shown = {key: title for key, title in BARS.items() if any(key in g["intervals"] for g in generators.values())}
    width = 0.8 / len(generators)
    for i, (name, figures) in enumerate(generators.items()):
        for x, key in enumerate(shown):
            if key in figures["intervals"]:
                _bar(axes, x + i * width, width * 0.92, figures["intervals"][key], i, name if x == 0 else None)
    middle = width * (len(generators) - 1) / 2
    axes.set_xticks([x + middle for x in range(len(shown))], list(shown.values()))
    axes.set_ylim(0, 1.06)
    _legend(axes)


def _bar(axes: Axes, x: float, width: float, interval: list[float], i: int, label: str | None) -> None:
    value, low, high = interval
    error = [[value - low], [high - value]]
    axes.bar(x, value, width, color=_colour(i), label=label, yerr=error, ecolor="#333", capsize=2)
    axes.text(x, high + 0.015, f"{value:.2f}", ha="center", fontsize=7)


def _refusals(axes: Axes, summary: Figures) -> None:
    for i, (name, figures) in enumerate(summary["generators"].items()):
        if curve := figures.get("refusal_curve"):
            axes.plot(*zip(*curve, strict=True), color=_colour(i), label=name)
            axes.plot(figures["refusal"]["recall"], figures["f1"], "o", color=_colour(i))
    axes.set(xlim=(-0.02, 1.02), xlabel="share of unanswerable questions refused", ylabel="F1, answerable questions")
    axes.set_ylim(bottom=0)
    _legend(axes)


def _coverage(axes: Axes, summary: Figures) -> None:
    for i, (name, figures) in enumerate(summary["generators"].items()):
        if curve := figures["coverage"]:
            label = f"{name} (area {figures['coverage_area']:.2f})"
            marker = "." if len(curve) < 15 else None
            axes.plot(*zip(*curve, strict=True), color=_colour(i), label=label, marker=marker)
    axes.set(xlim=(0, 1), ylim=(0, 1.03), ylabel="share decided rightly")
    axes.set_xlabel("coverage: share of questions, surest first")
    _legend(axes)


def _calibration(axes: Axes, summary: Figures) -> None:
    axes.plot([0, 1], [0, 1], color="#bbb", lw=1)
    for i, (name, figures) in enumerate(summary["generators"].items()):
        if bins := figures["calibration"]:
            confidence, accuracy = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
            axes.plot(confidence, accuracy, color=_colour(i), lw=1, label=f"{name} (ECE {figures['ece']:.2f})")
            sizes = [12 + 8 * b["n"] ** 0.5 for b in bins]
            axes.scatter(confidence, accuracy, sizes, color=_colour(i))
    axes.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="confidence", ylabel="accuracy (dot: number of answers)")
    _legend(axes)


def _latency(axes: Axes, summary: Figures) -> None:
    for i, figures in enumerate(summary["generators"].values()):
        seconds = figures["latency_s"]
        whisker = [[0], [seconds["p95"] - seconds["p50"]]]
        axes.barh(i, seconds["p50"], 0.6, color=_colour(i), xerr=whisker, ecolor="#333", capsize=3)
        axes.barh(i, seconds["first_token_p50"], 0.6, color="#00000033")
    axes.set_yticks(range(len(summary["generators"])), list(summary["generators"]))
    axes.invert_yaxis()
    axes.set_xlabel("seconds (dark part: until the first token)")


def _training(axes: Axes, curves: dict[str, list[Figures]]) -> None:
    offset = 0
    for i, (stage, history) in enumerate(curves.items()):
        for key, style, rows in (("loss", "-", "training"), ("eval_loss", "o--", "development")):
            points = [(offset + entry["step"], entry[key]) for entry in history if key in entry]
            if points:
                label = f"{stage}, {rows}"
                axes.plot(*zip(*points, strict=True), style, color=_colour(1 + i), ms=4, label=label)
        offset += max((entry["step"] for entry in history), default=0)
    axes.set(xlabel="optimizer steps", ylabel="loss")
    axes.set_ylim(bottom=0)
    _legend(axes)


def _always(summary: Figures) -> bool:
    return True


def _has_refusal_curves(summary: Figures) -> bool:
    return any(figures.get("refusal_curve") for figures in summary["generators"].values())


PLOTS = (
    Plot("measures", "Each measure with its 95 % interval. More is better everywhere.", _bars, _always, WIDE),
    Plot(
        "refusals",
        "What refusing costs: F1 as the threshold rises. The dot is the threshold in use. Compare curves at one share.",
        _refusals,
        _has_refusal_curves,
    ),
    Plot(
        "coverage",
        "How many of the surest decisions are right. A curve that starts high and falls late knows what it knows.",
        _coverage,
        _always,
    ),
    Plot(
        "calibration",
        "Confidence against accuracy of the answers given. On the line, confidence means what it says.",
        _calibration,
        _always,
    ),
    Plot(
        "latency",
        "Seconds of an answer, asked one at a time: half are faster than the bar, 95 in 100 than the whisker.",
        _latency,
        _always,
    ),
)


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)
