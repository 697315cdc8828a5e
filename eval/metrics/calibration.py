"""Whether confidence means something: calibration error, and how accurate the surest decisions are."""

from __future__ import annotations

from eval.metrics.prediction import Figures

Decisions = list[tuple[float, bool]]  # of each answer or refusal: its confidence, and whether it is right
Curve = list[tuple[float, float]]  # coverage and accuracy, from the surest decision to all


def confidence_bins(decisions: Decisions, count: int = 10) -> list[Figures]:
    """Return the bins of equal width that hold decisions: low, high, n, mean confidence and accuracy."""
    bins = []
    for i in range(count):
        inside = [(c, right) for c, right in decisions if i <= min(c * count, count - 1e-9) < i + 1]
        if inside:
            confidence = round(sum(c for c, _ in inside) / len(inside), 4)
            accuracy = round(sum(right for _, right in inside) / len(inside), 4)
            edges = {"low": i / count, "high": (i + 1) / count}
            bins.append({**edges, "n": len(inside), "confidence": confidence, "accuracy": accuracy})
    return bins


def expected_calibration_error(decisions: Decisions, count: int = 10) -> float | None:
    """Return the mean distance of confidence and accuracy over the bins, weighted by their size.

    Guo et al., arXiv 1706.04599. None where there are no decisions.
    """
    if not decisions:
        return None
    total = sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in confidence_bins(decisions, count))
    return round(total / len(decisions), 4)


def coverage_curve(decisions: Decisions, questions: int) -> Curve:
    """Return coverage and accuracy where only the surest decisions are trusted (El-Yaniv & Wiener, JMLR 11, 2010).

    Coverage is a share of all the questions. Decisions of the same confidence are trusted together.
    """
    ranked = sorted(decisions, reverse=True, key=lambda pair: pair[0])
    curve, right = [], 0
    for n, (confidence, is_right) in enumerate(ranked, 1):
        right += is_right
        if n == len(ranked) or ranked[n][0] != confidence:
            curve.append((round(n / questions, 4), round(right / n, 4)))
    return curve


def coverage_area(curve: Curve) -> float:
    """Return the area under the curve, by steps, 0 beyond the last coverage.

    It is 1 where every question is decided rightly, and one minus the area under the risk-coverage curve (Geifman &
    El-Yaniv, arXiv 1705.08500).
    """
    before, area = 0.0, 0.0
    for coverage, accuracy in curve:
        area += (coverage - before) * accuracy
        before = coverage
    return round(area, 4)
