"""How the chooser weighs generator against cross-encoder: fitted on people's questions about documents that neither was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetune.data import TrainingError
from finetune.proposals import ALL, MEASURING, proposals
from rag.chooser import Weights, log_odds
from rag.pipeline import shipped_reranker
from rag.settings import Settings

RIGHT = 0.5  # token F1 from which a span counts as right
STEPS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class Weighed:
    """A proposal with the cross-encoder's support, 0 to 1; the rest as in finetune.proposals."""

    question: str
    document: str
    answerable: bool
    logprob: float
    support: float
    f1: float


def fit_chooser(settings: Settings, benches: list[Path], out: Path, everything: bool) -> None:
    """Weigh the shipped reader's proposals for the questions on documents that reader and cross-encoder have left out, or on everything where they were trained
    on other benches; keep the weights in `out`, with the curve that weights fitted on one half of the documents give on the other."""
    found = []
    for bench in benches:
        made = proposals(settings, bench, ALL if everything else MEASURING)
        supports = shipped_reranker(settings).score_pairs([(p.claim, p.evidence) for p in made])
        found += [Weighed(p.question, p.document, p.answerable, p.logprob, s, p.f1) for p, s in zip(made, supports, strict=True)]
    if len({p.document for p in found}) < 2 or not any(p.f1 >= RIGHT for p in found):
        raise TrainingError("too few questions to weigh by: name benches with answerable questions about two documents or more")
    weights, curve = fit(found), [asdict(point) for point in curve_of(crossed(found))]
    names, count = [b.name for b in benches], len({p.question for p in found})
    facts = {"weights": asdict(weights), "fitted_on": names, "questions": count, "curve": curve}
    out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print("\n".join(map(str, curve)) + f"\n{weights} from {count} questions, in {out}")


def fit(found: list[Weighed]) -> Weights:
    """Logistic regression over all proposals says which is best; a second one, over the best of each question, how likely that is right: the best of
    several looks better than it is."""
    features, right = _features(found), np.array([p.f1 >= RIGHT for p in found])
    intercept, logprob, support = _regress(features, right)
    best = best_of(found, Weights(intercept, logprob, support))
    odds = np.array([[intercept + logprob * p.logprob + support * log_odds(p.support)] for p in best])
    shift, scale = _regress(odds, np.array([p.f1 >= RIGHT for p in best]))
    return Weights(*(round(w, 4) for w in (shift + scale * intercept, scale * logprob, scale * support)))


def _features(found: list[Weighed]) -> np.ndarray:
    return np.array([[p.logprob, log_odds(p.support)] for p in found])


def _regress(features: np.ndarray, right: np.ndarray) -> list[float]:
    """-> intercept and weights."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=100.0).fit(features, right)
    return [float(fitted.intercept_[0]), *map(float, fitted.coef_[0])]


def best_of(found: list[Weighed], weights: Weights) -> list[Weighed]:
    """-> each question's likeliest proposal."""
    best: dict[str, Weighed] = {}
    for p in found:
        if p.question not in best or _likely(p, weights) > _likely(best[p.question], weights):
            best[p.question] = p
    return list(best.values())


def _likely(weighed: Weighed, weights: Weights) -> float:
    return weights.probability(weighed.logprob, weighed.support)


def crossed(found: list[Weighed]) -> list[tuple[Weighed, float]]:
    """-> each question's best proposal and its probability, by weights fitted on the other half of the documents."""
    documents = sorted({p.document for p in found})
    told = []
    for half in (set(documents[::2]), set(documents[1::2])):
        weights = fit([p for p in found if p.document in half])
        told += [(p, _likely(p, weights)) for p in best_of([p for p in found if p.document not in half], weights)]
    return told


@dataclass(frozen=True)
class Point:
    """What `answer.least` does: F1 over answerable questions (a refusal scores 0); share of answers given that are right; share of the unanswerable
    questions that are refused; share of the answerable ones that are answered."""

    least: float
    f1: float
    accuracy: float
    right_refusals: float
    coverage: float


def curve_of(told: list[tuple[Weighed, float]]) -> list[Point]:
    return [_point(told, least) for least in STEPS]


def _point(told: list[tuple[Weighed, float]], least: float) -> Point:
    def share(values: list[Any]) -> float:
        return round(float(np.mean(values)), 3) if values else 0.0

    given = [p for p, likely in told if likely >= least]
    answerable = [(p, likely >= least) for p, likely in told if p.answerable]
    return Point(
        least,
        share([p.f1 * shown for p, shown in answerable]),
        share([p.f1 >= RIGHT for p in given]),
        share([likely < least for p, likely in told if not p.answerable]),
        share([shown for _, shown in answerable]),
    )
