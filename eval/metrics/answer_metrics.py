"""The measures of one prediction: pure functions, without a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eval.metrics.prediction import Figures, Prediction
from rag.core.text_metrics import exact_match, normalize, overlaps, token_f1

RIGHT = 0.5  # token F1 from which an answer counts as right, for accuracy, calibration and the filters of the report

Citation = dict[str, Any]
Source = Callable[[Prediction, Citation], str]  # returns the text that stands where the citation points
Span = tuple[str, int, int]  # document, start, end


def measure_answer(row: Prediction, source: Source | None = None) -> Prediction:
    """Return the prediction with "measures" added; a failed one is returned as it is.

    source: returns the text at a citation's place; without it, quotes are not checked.
    """
    if row.get("error"):
        return row
    answers, answered = row["answers"], not row["refused"]
    f1 = token_f1(row["text"], answers) if answered else 0.0
    supported = [claim["supported"] for claim in row.get("support", ())]
    measures = {
        "exact_match": exact_match(row["text"], answers) if answered else 0.0,
        "f1": f1,
        "contains": contains(row["text"], answers) if answered else 0.0,
        "squad2_f1": f1 if answers else float(not answered),
        "right": f1 >= RIGHT if answers else not answered,
        **citation_measures(row),
        "literal_quotes": literal_quotes(row, source),
        "grounded": sum(supported) / len(supported) if supported else None,
        "hallucinated": answered and (not answers or not all(supported)),
        "adds": new_word_share(row["text"], row["question"]) if answered else None,
    }
    return {**row, "measures": measures}


def contains(prediction: str, answers: list[str]) -> float:
    """Return 1.0 if the prediction contains an answer in whole words (Mallen et al., arXiv 2212.10511)."""
    words = f" {normalize(prediction)} "
    return float(any(f" {normalize(answer)} " in words for answer in answers if normalize(answer)))


def citation_measures(row: Prediction) -> Figures:
    """Return how the citations meet the gold evidence (after ALCE, Gao et al., arXiv 2305.14627).

    cites: whether each citation is right, that is, shares characters with evidence. citation_precision: the share of
    right citations, None for a refusal. citation_recall: the share of the pieces of evidence that are cited, 0 for a
    refusal. Both are None where the evidence is not known.
    """
    evidence = [_evidence_span(piece) for piece in row["evidence"]]
    cited = [cited_span(row, citation) for citation in row["cited"]]
    right = [any(_overlap(span, piece) for piece in evidence) for span in cited]
    found = [any(_overlap(span, piece) for span in cited) for piece in evidence]
    unknown = bool(row["answers"]) and not evidence
    precision = sum(right) / len(right) if right else 0.0
    return {
        "cites": right,
        "citation_precision": None if row["refused"] or unknown else precision,
        "citation_recall": sum(found) / len(found) if found else None,
    }


def cites_evidence(row: Prediction, citation: Citation) -> bool:
    """Return whether the cited passage shares characters with a piece of evidence."""
    span = cited_span(row, citation)
    return any(_overlap(span, _evidence_span(piece)) for piece in row["evidence"])


def cited_span(row: Prediction, citation: Citation) -> Span:
    """Return the place of the passage that a citation names, or of its quote where no passages are known."""
    passages, number = row.get("passages", ()), citation.get("passage") or 0
    place = passages[number - 1] if 1 <= number <= len(passages) else citation
    return place["document"], place["start"], place["end"]


def _evidence_span(piece: dict[str, Any]) -> Span:
    return piece["document"], piece["start"], piece["end"]


def _overlap(a: Span, b: Span) -> bool:
    return a[0] == b[0] and overlaps(*a[1:], *b[1:])


def literal_quotes(row: Prediction, source: Source | None) -> float | None:
    """Return the share of quotes that stand in the source character for character; None without quotes or source."""
    quotes = [citation for citation in row["cited"] if citation.get("quote")]
    if not quotes or source is None:
        return None
    return sum(source(row, citation) == citation["quote"] for citation in quotes) / len(quotes)


def new_word_share(text: str, question: str) -> float:
    """Return the share of an answer's words that its question does not have: repeating the question answers nothing."""
    words, known = normalize(text).split(), set(normalize(question).split())
    return sum(word not in known for word in words) / len(words) if words else 0.0
