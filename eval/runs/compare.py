"""Two generators on the same questions and the same passages: who is better, by how much, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.metrics.statistics import Difference, mcnemar, mean, paired_bootstrap, unpaired_bootstrap, wins_ties_losses
from rag.core.errors import EvaluationError
from rag.core.jsonl import read_lines

Row = dict[str, Any]
SCORED = ".scored.jsonl"


@dataclass(frozen=True)
class Measure:
    """What is compared. of: which questions count. value: per question. yes_no: whether McNemar's test applies. better: 1 if more is better, else -1."""

    name: str
    of: Callable[[Row], bool]
    value: Callable[[Row], float]
    yes_no: bool = False
    better: int = 1


MEASURES = (
    Measure("F1", lambda r: bool(r["answers"]), lambda r: r["measures"]["f1"]),
    Measure("right refusals", lambda r: not r["answers"], lambda r: float(r["refused"]), yes_no=True),
    Measure("F1 over all", lambda r: True, lambda r: r["measures"]["squad2_f1"]),
    Measure("exact match", lambda r: bool(r["answers"]), lambda r: r["measures"]["exact_match"], yes_no=True),
    Measure("contains", lambda r: bool(r["answers"]), lambda r: r["measures"]["contains"], yes_no=True),
    Measure(
        "citation recall",
        lambda r: r["measures"]["citation_recall"] is not None,
        lambda r: r["measures"]["citation_recall"],
    ),
    Measure("wrong refusals", lambda r: bool(r["answers"]), lambda r: float(r["refused"]), yes_no=True, better=-1),
    Measure("hallucinated", lambda r: True, lambda r: float(r["measures"]["hallucinated"]), yes_no=True, better=-1),
    Measure(
        "log-likelihood of the answer",
        lambda r: bool(r.get("gold_logprobs")),
        lambda r: sum(r["gold_logprobs"]) / len(r["gold_logprobs"]),
    ),
)


def compare_generators(a_name: str, a: list[Row], b_name: str, b: list[Row]) -> dict[str, Any]:
    """-> each measure's means, paired difference b - a with its interval, wins, ties and losses, McNemar's p for yes/no measures; and the verdict.
    Questions that either failed on are left out. Raises EvaluationError unless both saw the same questions and passages."""
    check_same(a_name, a, b_name, b)
    both = [(x, y) for x, y in zip(a, b, strict=True) if not x.get("error") and not y.get("error")]
    measures = {m.name: _measured(m, [(x, y) for x, y in both if m.of(x) and m.of(y)]) for m in MEASURES}
    return {
        "a": a_name,
        "b": b_name,
        "n": len(both),
        "measures": measures,
        "verdict": verdict_sentence(a_name, b_name, measures),
    }


def _measured(measure: Measure, pairs: list[tuple[Row, Row]]) -> dict[str, Any]:
    a, b = [measure.value(x) for x, _ in pairs], [measure.value(y) for _, y in pairs]
    wins, ties, losses = wins_ties_losses(a, b) if measure.better > 0 else wins_ties_losses(b, a)
    found = {
        **asdict(paired_bootstrap(a, b)),
        "a": mean(a),
        "b": mean(b),
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "better": measure.better,
    }
    return (
        {**found, "mcnemar_p": round(mcnemar([bool(x) for x in a], [bool(y) for y in b]), 6)}
        if measure.yes_no
        else found
    )


def check_same(a_name: str, a: list[Row], b_name: str, b: list[Row]) -> None:
    """Raises EvaluationError unless both have the same questions, in the same order, on the same passages."""
    if [(r["id"], r["question"], r["answers"]) for r in a] != [(r["id"], r["question"], r["answers"]) for r in b]:
        raise EvaluationError(
            f"{a_name} and {b_name} answered other questions, so they can't be compared: evaluate both on the same file and sample"
        )
    different = [
        x["id"]
        for x, y in zip(a, b, strict=True)
        if x.get("passages") != y.get("passages") and not x.get("error") and not y.get("error")
    ]
    if different:
        raise EvaluationError(
            f"{a_name} and {b_name} saw other passages at {len(different)} questions (first: {different[0]}): evaluate both on one index"
        )


def verdict_sentence(a_name: str, b_name: str, measures: dict[str, Any]) -> str:
    """-> one sentence. Better: answers better (F1) or refuses better, and is shown to be worse at neither; mixed when better at one, worse at the other."""
    parts = {name: as_difference(measures[name]) for name in ("F1", "right refusals") if measures[name]["n"]}
    gains, harms = [n for n, d in parts.items() if d.low > 0], [n for n, d in parts.items() if d.high < 0]
    figures = "; ".join(f"{name} {difference}" for name, difference in parts.items())
    if gains and harms:
        overall = as_difference(measures["F1 over all"])
        return f"mixed, {b_name} is better than {a_name} at {gains[0]} and worse at {harms[0]}: {figures}; F1 over all questions {overall}"
    if gains or harms:
        best, other = (b_name, a_name) if gains else (a_name, b_name)
        return f"{best} is better than {other}: {figures}" + ("" if gains else f" ({b_name} minus {a_name})")
    return f"no difference shown between {a_name} and {b_name}: {figures}"


def as_difference(measure: dict[str, Any]) -> Difference:
    return Difference(*(measure[key] for key in ("difference", "low", "high", "n")))


def new_document_drop(rows: list[Row]) -> dict[str, Any]:
    """-> new (incoming) minus seen (mined) documents in F1 and right refusals, each with its interval; {} unless there are both."""
    done = [r for r in rows if not r.get("error")]
    found = {}
    for measure in MEASURES[:2]:
        seen, new = (
            [measure.value(r) for r in done if r["part"] == part and measure.of(r)] for part in ("mined", "incoming")
        )
        if seen and new:
            found[measure.name] = {
                **asdict(unpaired_bootstrap(seen, new)),
                "seen": mean(seen),
                "new": mean(new),
                "n_seen": len(seen),
                "n_new": len(new),
            }
    return found


def read_scored(place: Path) -> dict[str, list[Row]]:
    """-> name: rows, of a finished run's folder or of one of its NAME.scored.jsonl files. Raises EvaluationError when there is none."""
    files = _of_run(place) if place.is_dir() else [place] if place.is_file() else []
    if not files:
        raise EvaluationError(f"{place} is no finished run: a folder with *{SCORED}, or one such file, is expected")
    rows = {file.name.removesuffix(SCORED): read_lines(file) for file in files}
    if any("measures" not in row and not row.get("error") for lines in rows.values() for row in lines):
        raise EvaluationError(
            f"{place} holds predictions without measures: python -m eval score {place} writes what can be compared"
        )
    return rows


def _of_run(folder: Path) -> list[Path]:
    """-> the run's files, the baseline's first."""
    try:
        names = json.loads((folder / "run.json").read_text(encoding="utf-8"))["generators"]
    except OSError:
        return sorted(folder.glob(f"*{SCORED}"))
    return [folder / f"{name}{SCORED}" for name in names]
