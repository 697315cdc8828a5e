"""What people said of single rows: kept in the run, applied when training, and what it tells of the rows that nobody has looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import binomtest

from finetune.data import RUNS, Row, read_lines, row_from_json, write_lines

KEEP, MEND, DROP = "keep", "mend", "drop"


@dataclass(frozen=True)
class Verdict:
    """verdict: keep, mend or drop. question, target: the row's when it was judged; a row of the same id that says something else is not judged by it.
    row: what a mended row is now."""

    id: str
    verdict: str
    question: str
    target: str
    row: Row | None = None


def path_of(run: str) -> Path:
    return RUNS / run / "review" / "verdicts.jsonl"


def read_verdicts(run: str) -> dict[str, Verdict]:
    """-> row id: verdict."""
    lines = read_lines(path_of(run)) if path_of(run).exists() else []
    return {line["id"]: Verdict(**{**line, "row": row_from_json(line["row"]) if line["row"] else None}) for line in lines}


def write_verdicts(run: str, verdicts: dict[str, Verdict]) -> None:
    write_lines(path_of(run), verdicts.values())


def verdict_on(row: Row, verdicts: dict[str, Verdict]) -> Verdict | None:
    """-> what was said of this very row, None if nothing."""
    found = verdicts.get(row.id)
    return found if found and (found.question, found.target) == (row.question, row.target) else None


def apply(rows: list[Row], verdicts: dict[str, Verdict], times: int) -> list[Row]:
    """-> the rows without those dropped, mended ones as they were mended; rows that a person has vouched for stand there `times` times.

    Twice in training: the loss is a mean over rows, so a row that is there twice weighs twice, whichever trainer reads it, while the rest of
    the mined rows, of which some are wrong, still outweighs a small sample. Once for development, where a mean over questions is reported."""
    found, vouched = [], []
    for row in rows:
        said = verdict_on(row, verdicts)
        if said and said.verdict == DROP:
            continue
        row = said.row if said and said.row else row
        found.append(row)
        vouched += [row] if said else []
    return found + vouched * (times - 1)


def wilson(good: int, n: int) -> tuple[float, float]:
    """-> the 95 % interval of a share of which `good` in n were seen (Wilson, JASA 22, 1927); (0, 1) when none was."""
    if not n:
        return 0.0, 1.0
    found = binomtest(good, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def estimate(rows: list[Row], verdicts: dict[str, Verdict]) -> str:
    """-> how many were judged and how, and how many of the rest are good, for people. It holds where those judged were drawn by chance."""
    said = Counter(found.verdict for row in rows if (found := verdict_on(row, verdicts)))
    judged = said.total()
    counts = f"judged {judged} of {len(rows)} rows: {said[KEEP]} kept, {said[MEND]} mended, {said[DROP]} dropped"
    rest, (low, high) = len(rows) - judged, wilson(said[KEEP], judged)
    if not rest or not judged:
        return counts
    shares = f"{said[KEEP] / judged:.0%} are good as they are, between {low:.0%} and {high:.0%} (Wilson, 95 %)"
    return f"{counts}\nof the {rest} others an estimated {shares}: {round(low * rest)} to {round(high * rest)} rows"
