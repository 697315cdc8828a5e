"""Which of the spans that the generator proposes is the answer, and then how likely it is right: the word of the generator and of what marks where answers
begin and end, weighed by one logistic regression for each, on questions that neither was trained on (Platt scaling, 1999, with several scores)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from rag.answering.grounding import Citation
from rag.answering.negation import negation_mismatch
from rag.answering.span_scorer import SpanScorer, SpanScores
from rag.core.text_metrics import token_f1
from rag.generation.span_search import Span, SpanPlace
from rag.retrieval.retriever import Passage

SHIPPED = Path(__file__).parents[1] / "weights" / "span_selector.json"
PLACES_PER_SPAN = 2  # places of one span that are weighed at most


@dataclass(frozen=True)
class SelectorWeights:
    """Of the log-odds that a span is right: of its natural log-probability, of the log-odds that the answer begins and ends there (marks), of the question's
    denying what the sentence asserts (turned: 0 or 1), and of how far what else is proposed says the same (agreement, below). turned and agreement are no help
    in choosing, so 0 there."""

    intercept: float
    logprob: float
    marks: float
    turned: float = 0.0
    agreement: float = 0.0

    def odds(self, logprob: float, marks: float, turned: bool = False, agreement: float = 0.0) -> float:
        """-> the log-odds of being right; agreement: from 0 to 1."""
        return (
            self.intercept
            + self.logprob * logprob
            + self.marks * marks
            + self.turned * turned
            + self.agreement * agreement
        )


@dataclass(frozen=True)
class SelectedSpan:
    """A span, the sentence around it, and the probability that it is right."""

    text: str
    citation: Citation
    probability: float


def sigmoid(odds: float) -> float:
    """Of log-odds."""
    return 1 / (1 + math.exp(-max(odds, -500.0)))


def expected_f1(texts: list[str], odds: list[float], chosen: int) -> float:
    """-> the token F1 that is to be expected of the chosen one of the texts if the right one is among them, and each as likely as the exponential of its
    log-odds says: what minimum Bayes risk decoding (Kumar and Byrne, 2004) chooses by; for choosing it was no help here, for trusting it is."""
    likely = [math.exp(each - max(odds)) for each in odds]
    return sum(weight * token_f1(text, [texts[chosen]]) for weight, text in zip(likely, texts, strict=True)) / sum(
        likely
    )


def read_weights(path: Path = SHIPPED) -> tuple[SelectorWeights, SelectorWeights]:
    """-> those to choose by, and those to trust the choice by."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return SelectorWeights(**kept["choosing"]), SelectorWeights(**kept["trust"])


class SpanSelector:
    def __init__(self, boundaries: SpanScorer, choosing: SelectorWeights, trust: SelectorWeights):
        self.boundaries, self.choosing, self.trust = boundaries, choosing, trust

    def marks(self, question: str, passages: list[Passage]) -> list[SpanScores]:
        """-> where answers begin and end in each passage."""
        return self.boundaries.read(question, [passage.chunk.search_text for passage in passages])

    def choose(
        self, question: str, spans: list[Span], passages: list[Passage], marks: list[SpanScores]
    ) -> SelectedSpan | None:
        """-> the likeliest span, None where there is none. marks: of each passage, as `marks` reads them."""
        read = [
            (span, place, _marked(place, passages, marks)) for span in spans for place in span.places[:PLACES_PER_SPAN]
        ]
        if not read:
            return None
        odds = [self.choosing.odds(span.logprob, marked) for span, _, marked in read]
        best = max(range(len(read)), key=lambda n: odds[n])
        span, place, marked = read[best]
        denied = negation_mismatch(question, passages[place.passage - 1].chunk.text[slice(*place.sentence)])
        agreed = expected_f1([_text(p, passages) for _, p, _ in read], odds, best)
        return _choice(place, passages, sigmoid(self.trust.odds(span.logprob, marked, denied, agreed)))


def _marked(place: SpanPlace, passages: list[Passage], marks: list[SpanScores]) -> float:
    """-> the log-odds that the answer begins and ends where the place does."""
    chunk = passages[place.passage - 1].chunk
    return marks[place.passage - 1].of(chunk.search_offset(place.start), chunk.search_offset(place.end))


def _text(place: SpanPlace, passages: list[Passage]) -> str:
    return " ".join(passages[place.passage - 1].chunk.text[place.start : place.end].split())


def _choice(place: SpanPlace, passages: list[Passage], probability: float) -> SelectedSpan:
    chunk, (first, last) = passages[place.passage - 1].chunk, place.sentence
    quote = Citation(
        place.passage,
        chunk.document,
        chunk.start + first,
        chunk.start + last,
        chunk.text[first:last],
        chunk.headings,
        chunk.page,
    )
    return SelectedSpan(_text(place, passages), quote, probability)
