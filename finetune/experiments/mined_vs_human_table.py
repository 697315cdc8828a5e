"""The share of what people's rows teach that mined rows reach: F1 and refusal F1 by several ways to refuse, with intervals over the questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from finetune.experiments.mined_vs_human import Said

RATES = (0.5, 0.7, 0.85)  # right refusals at which generators are compared, since each puts its own threshold elsewhere
SAMPLES = 1000
Measure = Callable[["Heard"], float]


@dataclass(frozen=True)
class Heard:
    """Several trainings on rows of one kind, all arrays (trainings, questions), but answerable: (questions,). The rest as in Said."""

    answerable: np.ndarray
    f1: np.ndarray
    doubt: np.ndarray
    served: np.ndarray
    likely: np.ndarray

    def at(self, questions: np.ndarray) -> Heard:
        return Heard(
            self.answerable[questions],
            *(part[:, questions] for part in (self.f1, self.doubt, self.served, self.likely)),
        )


def heard(trainings: list[list[Said]]) -> Heard:
    """The questions in one order in every training."""
    parts = (
        np.array([[getattr(said, name) for said in of_one] for of_one in trainings])
        for name in ("f1", "doubt", "served", "likely")
    )
    return Heard(np.array([said.answerable for said in trainings[0]]), *parts)


def measures(least: float) -> dict[str, Measure]:
    """-> the ways to measure, each over all trainings. least: `answer.least`."""
    found: dict[str, Measure] = {
        "alone: F1 of the likeliest span": lambda h: f1(h, h.f1, np.zeros(h.f1.shape, bool)),
        "alone: F1 by its own decision to refuse": lambda h: f1(h, h.f1, h.doubt >= 0),
        "alone: refusal F1 by its own decision": lambda h: refusal_f1(h, h.doubt >= 0),
    }
    for rate in RATES:
        found[f"alone: F1 where {rate} of the unanswerable are refused"] = lambda h, rate=rate: f1(
            h, h.f1, refused_at(h, h.doubt, rate)
        )
        found[f"alone: refusal F1 where {rate} of the unanswerable are refused"] = lambda h, rate=rate: refusal_f1(
            h, refused_at(h, h.doubt, rate)
        )
    found[f"served: F1 at {least}"] = lambda h: f1(h, h.served, h.likely < least)
    found[f"served: refusal F1 at {least}"] = lambda h: refusal_f1(h, h.likely < least)
    for rate in RATES:
        found[f"served: F1 where {rate} of the unanswerable are refused"] = lambda h, rate=rate: f1(
            h, h.served, refused_at(h, -h.likely, rate)
        )
    return found


def f1(h: Heard, scores: np.ndarray, refused: np.ndarray) -> float:
    """-> mean over the answerable questions, where a refusal scores 0."""
    return float((scores * ~refused)[:, h.answerable].mean())


def refusal_f1(h: Heard, refused: np.ndarray) -> float:
    """-> mean over trainings of F1 of the refusals: harmonic mean of precision and recall."""
    right, unanswerable = (refused & ~h.answerable).sum(1), (~h.answerable).sum()
    return float((2 * right / (refused.sum(1) + unanswerable)).mean())


def refused_at(h: Heard, doubt: np.ndarray, rate: float) -> np.ndarray:
    """-> what each training refuses when that share of the unanswerable is to be refused."""
    least = np.quantile(doubt[:, ~h.answerable], 1 - rate, axis=1, keepdims=True, method="higher")
    return doubt >= least


def table(mined: Heard, people: Heard, base: Heard, least: float) -> list[dict]:
    """-> of each measure: mined, people, base, and the share of people's that mined reaches with its 95 % interval over the questions (bootstrap, the
    answerable and the unanswerable each for themselves; trainings are averaged), and the same for what it is above base."""
    by_name, rng = measures(least), np.random.default_rng(0)
    kinds = [np.flatnonzero(people.answerable == kind) for kind in (True, False)]

    def values(*each: Heard) -> list[list[float]]:
        return [[measure(h) for h in each] for measure in by_name.values()]

    draws = (np.concatenate([rng.choice(kind, len(kind)) for kind in kinds]) for _ in range(SAMPLES))
    drawn = np.array([values(*(h.at(questions) for h in (mined, people, base))) for questions in draws])
    return [
        _row(name, *told, drawn[:, n])
        for n, (name, told) in enumerate(zip(by_name, values(mined, people, base), strict=True))
    ]


def _row(name: str, mined: float, people: float, base: float, drawn: np.ndarray) -> dict:
    """drawn: (samples, 3), what the three have on each sample of the questions."""
    shares, above = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-9), drawn[:, 0] - drawn[:, 2]
    return {
        "measure": name,
        **{who: round(value, 3) for who, value in (("mined", mined), ("people", people), ("base", base))},
        "share": [round(float(x), 3) for x in (mined / max(people, 1e-9), *np.quantile(shares, (0.025, 0.975)))],
        "above base": [round(float(x), 3) for x in (mined - base, *np.quantile(above, (0.025, 0.975)))],
    }


def as_text(rows: list[dict]) -> str:
    """-> the table for people."""
    width = max(len(row["measure"]) for row in rows)
    lines = [f"{'':{width}}  mined  people base   share of people's      mined above base"]
    for row in rows:
        (share, low, high), (above, least, most) = row["share"], row["above base"]
        lines.append(
            f"{row['measure']:{width}}  {row['mined']:.3f}  {row['people']:.3f}  {row['base']:.3f}  {share:4.0%} [{low:.0%}, {high:.0%}]"
            f"{'':4}{above:+.3f} [{least:+.3f}, {most:+.3f}]"
        )
    return "\n".join(lines)
