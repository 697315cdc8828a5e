"""Two generators on the same questions and passages: which is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.metrics.equal_refusals import compare_at_equal_refusals
from eval.metrics.prediction import Figures, Prediction
from eval.metrics.statistics import Difference, mcnemar, mean, paired_bootstrap, unpaired_bootstrap, wins_ties_losses
from eval.runs.scored_files import read_scored
from rag.core.errors import EvaluationError


@dataclass(frozen=True)
class Measure:
    """A measure that is compared.

    counts: which questions count. value: of one question. yes_no: whether McNemar's test applies. better: 1 where
    more is better, else -1. diagnostic: whether it rests on the groundedness check, which is too weak for a verdict.
    """

    name: str
    counts: Callable[[Prediction], bool]
    value: Callable[[Prediction], float]
    yes_no: bool = False
    better: int = 1
    diagnostic: bool = False


def _answerable(row: Prediction) -> bool:
    return bool(row["answers"])


def _unanswerable(row: Prediction) -> bool:
    return not row["answers"]


def _every(row: Prediction) -> bool:
    return True


def _measured(name: str) -> Callable[[Prediction], float]:
    return lambda row: float(row["measures"][name])


def _has_evidence(row: Prediction) -> bool:
    return row["measures"]["citation_recall"] is not None


def _has_logprobs(row: Prediction) -> bool:
    return bool(row.get("gold_logprobs"))


def _mean_logprob(row: Prediction) -> float:
    return sum(row["gold_logprobs"]) / len(row["gold_logprobs"])


def _refused(row: Prediction) -> float:
    return float(row["refused"])


MEASURES = (
    Measure("F1", _answerable, _measured("f1")),
    Measure("right refusals", _unanswerable, _refused, yes_no=True),
    Measure("F1 over all", _every, _measured("squad2_f1")),
    Measure("exact match", _answerable, _measured("exact_match"), yes_no=True),
    Measure("contains", _answerable, _measured("contains"), yes_no=True),
    Measure("citation recall", _has_evidence, _measured("citation_recall")),
    Measure("wrong refusals", _answerable, _refused, yes_no=True, better=-1),
    Measure("hallucinated", _every, _measured("hallucinated"), yes_no=True, better=-1, diagnostic=True),
    Measure("log-likelihood of the answer", _has_logprobs, _mean_logprob),
)
DIAGNOSTIC = frozenset(measure.name for measure in MEASURES if measure.diagnostic)


def compare_generators(a_name: str, a: list[Prediction], b_name: str, b: list[Prediction]) -> Figures:
    """Compare scored predictions of b with those of a, the baseline.

    Returns for each measure the means, the paired difference b - a with its interval, wins, ties and losses, and
    McNemar's p-value for yes/no measures; the same at equal right refusals; and the verdict. Questions that either
    failed on are left out. Raises EvaluationError unless both saw the same questions and passages.
    """
    check_same(a_name, a, b_name, b)
    both = [(x, y) for x, y in zip(a, b, strict=True) if not x.get("error") and not y.get("error")]
    measures = {m.name: _compare_measure(m, [(x, y) for x, y in both if m.counts(x) and m.counts(y)]) for m in MEASURES}
    return {
        "a": a_name,
        "b": b_name,
        "n": len(both),
        "measures": measures,
        "equal_refusals": compare_at_equal_refusals([x for x, _ in both], [y for _, y in both]),
        "verdict": verdict_sentence(a_name, b_name, measures),
    }


def _compare_measure(measure: Measure, pairs: list[tuple[Prediction, Prediction]]) -> Figures:
    a, b = [measure.value(x) for x, _ in pairs], [measure.value(y) for _, y in pairs]
    wins, ties, losses = wins_ties_losses(a, b) if measure.better > 0 else wins_ties_losses(b, a)
    found = {**asdict(paired_bootstrap(a, b)), "a": mean(a), "b": mean(b)}
    found |= {"wins": wins, "ties": ties, "losses": losses, "better": measure.better}
    if measure.yes_no:
        found["mcnemar_p"] = round(mcnemar([bool(x) for x in a], [bool(y) for y in b]), 6)
    return found


def check_same(a_name: str, a: list[Prediction], b_name: str, b: list[Prediction]) -> None:
    """Raise EvaluationError unless both have the same questions, in the same order, with the same passages."""
    if [(r["id"], r["question"], r["answers"]) for r in a] != [(r["id"], r["question"], r["answers"]) for r in b]:
        raise EvaluationError(
            f"{a_name} and {b_name} answered different questions, so they can't be compared: evaluate both on the same "
            "file and sample"
        )
    different = [x["id"] for x, y in zip(a, b, strict=True) if _saw_other_passages(x, y)]
    if different:
        raise EvaluationError(
            f"{a_name} and {b_name} saw different passages for {len(different)} questions (first: {different[0]}): "
            "evaluate both on one index"
        )


def _saw_other_passages(x: Prediction, y: Prediction) -> bool:
    return not x.get("error") and not y.get("error") and x.get("passages") != y.get("passages")


def verdict_sentence(a_name: str, b_name: str, measures: Figures) -> str:
    """Return the verdict on b against a, in one sentence.

    Better is what gains F1 or right refusals and is shown to lose neither. What gains one and loses the other is
    mixed.
    """
    parts = {name: as_difference(measures[name]) for name in ("F1", "right refusals") if measures[name]["n"]}
    gains, losses = [n for n, d in parts.items() if d.low > 0], [n for n, d in parts.items() if d.high < 0]
    figures = "; ".join(f"{name} {difference}" for name, difference in parts.items())
    if gains and losses:
        overall = as_difference(measures["F1 over all"])
        mixed = f"mixed, {b_name} is better than {a_name} at {gains[0]} and worse at {losses[0]}"
        return f"{mixed}: {figures}; F1 over all questions {overall}"
    if gains or losses:
        best, other = (b_name, a_name) if gains else (a_name, b_name)
        return f"{best} is better than {other}: {figures}" + ("" if gains else f" ({b_name} minus {a_name})")
    return f"no difference shown between {a_name} and {b_name}: {figures}"


def as_difference(measure: Figures) -> Difference:
    """Return the difference that a compared measure holds."""
    return Difference(*(measure[key] for key in ("difference", "low", "high", "n")))


def new_document_drop(rows: list[Prediction]) -> Figures:
    """Return F1 and right refusals on new (incoming) minus seen (mined) documents, with unpaired intervals.

    Returns {} unless there are questions about both.
    """
    found = {}
    for measure in MEASURES[:2]:
        seen, new = (_values_of_part(measure, rows, part) for part in ("mined", "incoming"))
        if seen and new:
            means = {"seen": mean(seen), "new": mean(new), "n_seen": len(seen), "n_new": len(new)}
            found[measure.name] = {**asdict(unpaired_bootstrap(seen, new)), **means}
    return found


def _values_of_part(measure: Measure, rows: list[Prediction], part: str) -> list[float]:
    return [measure.value(r) for r in rows if not r.get("error") and r["part"] == part and measure.counts(r)]


def compare_runs(places: list[Path]) -> Figures:
    """Compare every generator of finished runs, or of NAME.scored.jsonl files, with the first one, the baseline.

    Raises EvaluationError where there are fewer than two generators, or they can't be compared.
    """
    named = [
        (f"{place.name}:{name}" if place.is_dir() else name, rows)
        for place in places
        for name, rows in read_scored(place).items()
    ]
    if len(named) < 2:
        raise EvaluationError("a comparison needs at least two generators: name another run")
    (first, baseline), *others = named
    comparisons = [compare_generators(first, baseline, name, rows) for name, rows in others]
    return {"notes": [], "n": len(baseline), "generators": {}, "comparisons": comparisons}
