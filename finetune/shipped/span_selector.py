"""How the chooser weighs generator and boundaries: fitted on people's questions about documents that neither was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from finetune.shipped.span_proposals import ALL, MEASURING, SpanProposal, propose_spans
from rag.answering.negation import negation_mismatch
from rag.answering.span_selector import SelectorWeights, expected_f1, sigmoid
from rag.core.errors import TrainingError
from rag.core.settings import Settings
from rag.factory import open_span_scorer

RIGHT = 0.5  # token F1 from which a span counts as right
PRIOR = 1.0  # variance of the weights before any data: one article may have many questions of a kind that is rare elsewhere (eval/LOG.md)
STEPS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class ScoredProposal:
    """A proposal with the log-odds that the answer begins and ends there, whether the question denies what the sentence asserts, and, once chosen, how far
    the question's other proposals agree. The rest as in finetune.shipped.span_proposals."""

    question: str
    document: str
    answerable: bool
    logprob: float
    span_score: float
    negation_mismatch: bool
    text: str
    f1: float
    expected_f1: float = 0.0


def fit_span_selector(settings: Settings, benches: list[Path], out: Path, everything: bool) -> None:
    """Weigh what reader and boundaries propose for the questions on documents that both have left out, or on everything where they were trained on other
    benches; keep the weights in `out`, with the curve that they give on each bench: eight numbers from hundreds of questions, so on the same ones."""
    found = {
        bench.name: score_proposals(settings, propose_spans(settings, bench, ALL if everything else MEASURING))
        for bench in benches
    }
    every = [weighed for of_bench in found.values() for weighed in of_bench]
    if not any(p.f1 >= RIGHT for p in every):
        raise TrainingError(
            "too few questions to weigh by: name benches with answerable questions about documents left out of training"
        )
    selection, confidence = fit_weights(every)
    curves = {
        name: [asdict(point) for point in curve_of(told(of_bench, selection, confidence))] for name, of_bench in found.items()
    }
    asked = {name: len({p.question for p in of_bench}) for name, of_bench in found.items()}
    facts = {"selection": asdict(selection), "confidence": asdict(confidence), "questions": asked, "curves": curves}
    out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(
        "\n".join(f"{name} {point}" for name, curve in curves.items() for point in curve)
        + f"\nselection {selection}, confidence {confidence} in {out}"
    )


def score_proposals(settings: Settings, near: list[SpanProposal]) -> list[ScoredProposal]:
    """-> the proposals with what the shipped boundaries say of them."""
    scorer = open_span_scorer(settings)
    scores = {
        asked: scorer.score(asked[0], [asked[1]])[0] for asked in dict.fromkeys((p.asked, p.passage) for p in near)
    }
    return [
        ScoredProposal(
            p.question,
            p.document,
            p.answerable,
            p.logprob,
            scores[p.asked, p.passage].span_score(p.start, p.end),
            negation_mismatch(p.asked, _sentence(p)),
            _text(p),
            p.f1,
        )
        for p in near
    ]


def _text(proposal: SpanProposal) -> str:
    return " ".join(proposal.passage[proposal.start : proposal.end].split())


def _sentence(proposal: SpanProposal) -> str:
    """-> what the cross-encoder reads as evidence, without the headings above it."""
    return proposal.evidence.partition("\n")[2]


def fit_weights(found: list[ScoredProposal]) -> tuple[SelectorWeights, SelectorWeights]:
    """-> the weights that say which of all proposals is best, and those that say, of the best of each question alone, how likely it is right: the best of
    several looks better than it is. What the question denies and agreement are not for choosing, where they were not shown to help (eval/LOG.md)."""
    selection = _rounded(*_regress(_features(found)[:, :2], np.array([p.f1 >= RIGHT for p in found])))
    best = best_of(found, selection)
    return selection, _rounded(*_regress(_features(best), np.array([p.f1 >= RIGHT for p in best])))


def _rounded(*weights: float) -> SelectorWeights:
    return SelectorWeights(*(round(weight, 4) for weight in weights))


def _features(found: list[ScoredProposal]) -> np.ndarray:
    return np.array([[p.logprob, p.span_score, p.negation_mismatch, p.expected_f1] for p in found])


def _regress(features: np.ndarray, right: np.ndarray) -> list[float]:
    """-> intercept and weights."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=PRIOR).fit(features, right)
    return [float(fitted.intercept_[0]), *map(float, fitted.coef_[0])]


def best_of(found: list[ScoredProposal], selection: SelectorWeights) -> list[ScoredProposal]:
    """-> each question's likeliest proposal, and how far the others agree with it."""
    asked: dict[str, list[ScoredProposal]] = {}
    for p in found:
        asked.setdefault(p.question, []).append(p)
    return [_best(of_question, selection) for of_question in asked.values()]


def _best(proposed: list[ScoredProposal], selection: SelectorWeights) -> ScoredProposal:
    logits = [selection.logit(p.logprob, p.span_score) for p in proposed]
    best = max(range(len(logits)), key=lambda n: logits[n])
    return replace(proposed[best], expected_f1=expected_f1([p.text for p in proposed], logits, best))


def told(
    found: list[ScoredProposal], selection: SelectorWeights, confidence: SelectorWeights
) -> list[tuple[ScoredProposal, float]]:
    """-> each question's best proposal, and how likely it is right."""
    return [
        (p, sigmoid(confidence.logit(p.logprob, p.span_score, p.negation_mismatch, p.expected_f1)))
        for p in best_of(found, selection)
    ]


@dataclass(frozen=True)
class Point:
    """What `answer.least` does: F1 over answerable questions (a refusal scores 0); share of answers given that are right; share of the unanswerable
    questions that are refused; share of the answerable ones that are answered."""

    least: float
    f1: float
    accuracy: float
    right_refusals: float
    coverage: float


def curve_of(best: list[tuple[ScoredProposal, float]]) -> list[Point]:
    return [_point(best, least) for least in STEPS]


def _point(best: list[tuple[ScoredProposal, float]], least: float) -> Point:
    def share(values: list[Any]) -> float:
        return round(float(np.mean(values)), 3) if values else 0.0

    given = [p for p, likely in best if likely >= least]
    answerable = [(p, likely >= least) for p, likely in best if p.answerable]
    return Point(
        least,
        share([p.f1 * shown for p, shown in answerable]),
        share([p.f1 >= RIGHT for p in given]),
        share([likely < least for p, likely in best if not p.answerable]),
        share([shown for _, shown in answerable]),
    )
