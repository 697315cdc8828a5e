"""Measures of one answer, and of spans: pure functions, shared by training and evaluation."""

from __future__ import annotations

import re
import string
from collections import Counter

from rag.core.invisible_characters import remove_invisible

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """Return the text in lower case, without punctuation, articles and extra space.

    It is SQuAD's normalization (Rajpurkar et al., 2016, arXiv 1606.05250), and without invisible characters, which no
    model is shown.
    """
    words = remove_invisible(text).lower().translate(_PUNCTUATION)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", words).split())


def exact_match(prediction: str, answers: list[str]) -> float:
    """Return 1.0 if the normalized prediction equals a normalized answer, else 0.0 (SQuAD)."""
    return float(normalize(prediction) in _normalized(answers))


def token_f1(prediction: str, answers: list[str]) -> float:
    """Return the best F1 of normalized tokens against the answers (SQuAD), 0.0 where there are none."""
    tokens = normalize(prediction).split()
    return max((_f1(tokens, answer.split()) for answer in _normalized(answers)), default=0.0)


def _normalized(answers: list[str]) -> list[str]:
    """Normalize the answers; those that become empty count only where there are no others, as in SQuAD 2.0's scorer."""
    normalized = [normalize(answer) for answer in answers]
    return [answer for answer in normalized if answer] or normalized


def _f1(prediction: list[str], answer: list[str]) -> float:
    if not prediction or not answer:
        return float(prediction == answer)
    common = sum((Counter(prediction) & Counter(answer)).values())
    return 2 * common / (len(prediction) + len(answer))


def overlaps(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Return whether two character spans share a character: the test for a right citation."""
    return start < other_end and other_start < end
