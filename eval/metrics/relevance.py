"""Answer relevance: whether the answer is about what was asked."""

from __future__ import annotations

import numpy as np

from eval.metrics.prediction import Prediction
from rag.models.embedder import Embedder


def add_relevance(rows: list[Prediction], embedder: Embedder) -> None:
    """Add measures["relevance"] to each answered prediction: a cosine times a share of words.

    The cosine is that of the question and the quoted evidence; the share is that of the answer's words which the
    question does not have. RAGAS (arXiv 2309.15217) lets a model write questions from the answer and compares those.
    Without a model the quoted sentence stands for the answer, since "40 tonnes" alone is like no question; the second
    factor keeps an answer that repeats its question from scoring.
    """
    answered = [row for row in rows if not row.get("error") and not row["refused"]]
    if not answered:
        return
    quotes = embedder.passages([_quoted(row) for row in answered])
    for row, quote in zip(answered, quotes, strict=True):
        cosine = float(np.dot(embedder.question(row["question"]), quote))
        row["measures"]["relevance"] = round(max(0.0, cosine) * row["measures"]["adds"], 4)


def _quoted(row: Prediction) -> str:
    return " ".join(citation["quote"] for citation in row["cited"] if citation.get("quote")) or row["text"]
