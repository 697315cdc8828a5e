"""How the chooser weighs generator against cross-encoder: fitted on people's questions about texts that neither was trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from finetune.data import TrainingError, read_lines
from finetune.reader import index_bench
from rag import prompt
from rag.answerer import Answerer
from rag.chooser import READINGS, Weights, log_odds
from rag.pipeline import open_answerer, open_generator, shipped_reader
from rag.retrieval import Passage, Retriever
from rag.scoring import token_f1
from rag.settings import Settings

RIGHT = 0.5  # token F1 from which a span counts as right
STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class Proposal:
    """A span for a question: its natural log-probability, the cross-encoder's support (0 to 1), its token F1 against the acceptable answers."""

    question: str
    document: str
    answerable: bool
    logprob: float
    support: float
    f1: float


def fit_chooser(settings: Settings, benches: list[Path], out: Path) -> None:
    """Weigh the proposals of the shipped reader and cross-encoder on the benches' questions, and keep the weights in `out` with the curve that they give
    on documents that each fit leaves out."""
    answerer = open_answerer(settings, open_generator(settings, shipped_reader(settings)))
    found = [proposal for bench in benches for proposal in propose(answerer, index_bench(settings, bench, Path("var/runs/chooser")), bench)]
    if len({proposal.document for proposal in found}) < 2 or not any(p.f1 >= RIGHT for p in found):
        raise TrainingError("too few questions to weigh by: name benches with answerable questions about two documents or more")
    weights = fit(found)
    curve = [asdict(point) for point in curve_of(held_out(found))]
    facts = {"weights": asdict(weights), "fitted_on": [b.name for b in benches], "questions": len({p.question for p in found}), "left_out_by_document": curve}
    out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print("\n".join(f"{point}" for point in curve) + f"\n{weights} in {out}")


def propose(answerer: Answerer, retriever: Retriever, bench: Path) -> Iterator[Proposal]:
    """-> the proposals for every question of the bench."""
    for asked in tqdm(read_lines(bench / "questions.jsonl"), desc=f"proposing, {bench.name}", unit=" questions"):
        passages = retriever.search(asked["question"])
        for text, logprob, support in _spans(answerer, asked["question"], passages):
            f1 = token_f1(text, asked["answers"]) if asked["answers"] else 0.0
            yield Proposal(asked["id"], asked["document"], bool(asked["answers"]), logprob, support, f1)


def _spans(answerer: Answerer, question: str, passages: list[Passage]) -> Iterator[tuple[str, float, float]]:
    assert answerer.chooser
    chunks = [p.chunk for p in passages]
    spans, _ = answerer.generator.propose(prompt.render(answerer.generator.tokenizer, question, chunks), chunks, [])
    read = [(span, place) for span in spans for place in span.places[:READINGS]]
    for (span, place), support in zip(read, answerer.chooser.supports(question, [place for _, place in read], passages), strict=True):
        yield chunks[place.passage - 1].text[place.start : place.end], span.logprob, support


def fit(found: list[Proposal]) -> Weights:
    """Logistic regression over all proposals says which is best; a second one, over the best of each question, how likely that is right: the best of
    several looks better than it is."""
    features, right = _features(found), np.array([p.f1 >= RIGHT for p in found])
    intercept, logprob, support = _regress(features, right)
    best = best_of(found, Weights(intercept, logprob, support))
    odds = np.array([[intercept + logprob * p.logprob + support * log_odds(p.support)] for p in best])
    shift, scale = _regress(odds, np.array([p.f1 >= RIGHT for p in best]))
    return Weights(*(round(w, 4) for w in (shift + scale * intercept, scale * logprob, scale * support)))


def _features(found: list[Proposal]) -> np.ndarray:
    return np.array([[p.logprob, log_odds(p.support)] for p in found])


def _regress(features: np.ndarray, right: np.ndarray) -> list[float]:
    """-> intercept and weights."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=100.0).fit(features, right)
    return [float(fitted.intercept_[0]), *map(float, fitted.coef_[0])]


def best_of(found: list[Proposal], weights: Weights) -> list[Proposal]:
    """-> each question's likeliest proposal."""
    best: dict[str, Proposal] = {}
    for p in found:
        if p.question not in best or _likely(p, weights) > _likely(best[p.question], weights):
            best[p.question] = p
    return list(best.values())


def _likely(proposal: Proposal, weights: Weights) -> float:
    return weights.probability(proposal.logprob, proposal.support)


def held_out(found: list[Proposal]) -> list[tuple[Proposal, float]]:
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


def curve_of(told: list[tuple[Proposal, float]]) -> list[Point]:
    return [_point(told, least) for least in (0.0, *STEPS)]


def _point(told: list[tuple[Proposal, float]], least: float) -> Point:
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
