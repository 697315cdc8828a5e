"""Whether confidence means something: calibration error, and how accurate the surest decisions are."""

from __future__ import annotations

from typing import Any

Scored = list[tuple[float, bool]]  # (confidence, whether it is right) of each answer or refusal


def bins(answers: Scored, count: int = 10) -> list[dict[str, Any]]:
    """-> equal-width bins of confidence that hold answers: n, mean confidence, share that is right."""
    found = []
    for i in range(count):
        inside = [(c, right) for c, right in answers if i <= min(c * count, count - 1e-9) < i + 1]
        if inside:
            sure, accuracy = sum(c for c, _ in inside) / len(inside), sum(right for _, right in inside) / len(inside)
            found.append(
                {
                    "low": i / count,
                    "high": (i + 1) / count,
                    "n": len(inside),
                    "confidence": round(sure, 4),
                    "accuracy": round(accuracy, 4),
                }
            )
    return found


def expected_calibration_error(answers: Scored, count: int = 10) -> float | None:
    """Mean distance of confidence and accuracy over the bins, weighted by how many answers each holds (Guo et al., arXiv 1706.04599)."""
    if not answers:
        return None
    return round(sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in bins(answers, count)) / len(answers), 4)


def coverage_curve(answers: Scored, asked: int) -> list[tuple[float, float]]:
    """-> (coverage, accuracy) if only the surest decisions are trusted, from the surest one to all (El-Yaniv & Wiener, JMLR 11, 2010). coverage: share
    of the `asked` questions. Decisions of the same confidence are trusted together."""
    ranked, curve, right = sorted(answers, reverse=True, key=lambda pair: pair[0]), [], 0
    for n, (confidence, good) in enumerate(ranked, 1):
        right += good
        if n == len(ranked) or ranked[n][0] != confidence:
            curve.append((round(n / asked, 4), round(right / n, 4)))
    return curve


def coverage_area(curve: list[tuple[float, float]]) -> float:
    """Area under the curve, by steps; 0 beyond the last coverage. 1 is a generator that decides every question rightly, 0 one that never does: one
    minus the area under the risk-coverage curve (Geifman & El-Yaniv, arXiv 1705.08500)."""
    before, area = 0.0, 0.0
    for coverage, accuracy in curve:
        area += (coverage - before) * accuracy
        before = coverage
    return round(area, 4)
