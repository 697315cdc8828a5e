"""Answer relevance: whether what is said bears on what was asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from rag.models.embedder import Embedder


def add_relevance(rows: list[dict[str, Any]], embedder: Embedder) -> None:
    """Give each answered, judged row measures["relevance"]: the cosine of the question and the evidence quoted, times the share of the answer's
    words that the question does not have already.

    RAGAS (arXiv 2309.15217) has a model write questions from the answer and compares those; without a model, the quoted sentence stands for the
    answer, which alone ("40 tonnes") is like no question, and the second factor keeps an answer that repeats its question from scoring."""
    given = [row for row in rows if not row.get("error") and not row["refused"]]
    if not given:
        return
    quotes = embedder.passages(
        [" ".join(c["quote"] for c in row["cited"] if c.get("quote")) or row["text"] for row in given]
    )
    for row, quote in zip(given, quotes, strict=True):
        cosine = float(np.dot(embedder.question(row["question"]), quote))
        row["measures"]["relevance"] = round(max(0.0, cosine) * row["measures"]["adds"], 4)
