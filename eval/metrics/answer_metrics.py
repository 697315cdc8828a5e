"""The measures of one answer, from a line of predictions: pure functions, no model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rag.core.text_metrics import exact_match, normalize, overlaps, token_f1

RIGHT = 0.5  # token F1 from which an answer counts as right, for accuracy, calibration and the browser's filters

Row = dict[str, Any]


Source = Callable[
    [Row, Row], str
]  # (row, citation) -> what stands in the source where the citation says that its quote stands


def measure_answer(row: Row, source: Source | None = None) -> Row:
    """-> the row with "measures" added; a failed row as it is. Without a source, quotes are not checked."""
    if row.get("error"):
        return row
    answers, given = row["answers"], not row["refused"]
    f1 = token_f1(row["text"], answers) if given else 0.0
    right = f1 >= RIGHT if answers else not given
    grounded = [claim["supported"] for claim in row.get("support", ())]
    return {
        **row,
        "measures": {
            "exact_match": exact_match(row["text"], answers) if given else 0.0,
            "f1": f1,
            "contains": contains(row["text"], answers) if given else 0.0,
            "squad2_f1": f1 if answers else float(not given),
            "right": right,
            **citations(row),
            "literal_quotes": literal_quotes(row, source),
            "grounded": sum(grounded) / len(grounded) if grounded else None,
            "hallucinated": given and (not answers or not all(grounded)),
            "adds": new_word_share(row["text"], row["question"]) if given else None,
        },
    }


def contains(prediction: str, answers: list[str]) -> float:
    """1.0 if a normalized answer stands in the normalized prediction, whole words (as Mallen et al., arXiv 2212.10511)."""
    said = f" {normalize(prediction)} "
    return float(any(f" {normalize(answer)} " in said for answer in answers if normalize(answer)))


def citations(row: Row) -> dict[str, Any]:
    """-> cites: whether each citation is right. citation_precision: share of the answer's citations that share characters with gold evidence, None
    without an answer. citation_recall: share of the pieces of evidence that are cited, 0 for a refusal. Both are None where evidence is not known
    (after ALCE, Gao et al., arXiv 2305.14627, with gold evidence in place of a judging model). A citation is its whole passage where known."""
    spans = [cited_span(row, citation) for citation in row["cited"]]
    evidence = [(e["document"], e["start"], e["end"]) for e in row["evidence"]]
    right = [any(_meet(span, piece) for piece in evidence) for span in spans]
    found = [any(_meet(span, piece) for span in spans) for piece in evidence]
    unknown = bool(row["answers"]) and not evidence
    return {
        "cites": right,
        "citation_precision": None if row["refused"] or unknown else sum(right) / len(right) if right else 0.0,
        "citation_recall": sum(found) / len(found) if found else None,
    }


def cited_span(row: Row, citation: Row) -> tuple[str, int, int]:
    """-> document, start and end of the passage that the citation names, or of the quote itself where no passages are known."""
    passages, number = row.get("passages", ()), citation.get("passage") or 0
    found = passages[number - 1] if 1 <= number <= len(passages) else citation
    return found["document"], found["start"], found["end"]


def _meet(a: tuple[str, int, int], b: tuple[str, int, int]) -> bool:
    return a[0] == b[0] and overlaps(*a[1:], *b[1:])


def literal_quotes(row: Row, source: Source | None) -> float | None:
    """Share of the quotes that stand, character for character, where they say they do; None without quotes or without the source."""
    quotes = [c for c in row["cited"] if c.get("quote")]
    if not quotes or source is None:
        return None
    return sum(source(row, c) == c["quote"] for c in quotes) / len(quotes)


def new_word_share(text: str, question: str) -> float:
    """Share of the answer's words that the question does not have: an answer that repeats the question answers nothing."""
    said, asked = normalize(text).split(), set(normalize(question).split())
    return sum(word not in asked for word in said) / len(said) if said else 0.0
