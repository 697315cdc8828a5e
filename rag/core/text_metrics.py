"""Measures of one answer, pure functions, shared by training and evaluation."""

from __future__ import annotations

import re
import string
from collections import Counter

from rag.core.invisible_characters import remove_invisible

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """Lower case without punctuation, articles and extra space: SQuAD's normalization (Rajpurkar et al., arXiv 1606.05250); and without what has no
    shape, which no model is shown."""
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", remove_invisible(text).lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: list[str]) -> float:
    """1.0 if the normalized prediction equals a normalized answer, else 0.0 (SQuAD)."""
    return float(normalize(prediction) in _normalized(answers))


def token_f1(prediction: str, answers: list[str]) -> float:
    """Best F1 of normalized tokens against the answers (SQuAD)."""
    return max((_f1(normalize(prediction).split(), answer.split()) for answer in _normalized(answers)), default=0.0)


def _normalized(answers: list[str]) -> list[str]:
    """The answers normalized; those of which nothing is left count only where there are no others, as in SQuAD 2.0's scorer."""
    found = [normalize(answer) for answer in answers]
    return [answer for answer in found if answer] or found


def _f1(prediction: list[str], answer: list[str]) -> float:
    if not prediction or not answer:
        return float(prediction == answer)
    common = sum((Counter(prediction) & Counter(answer)).values())
    return 2 * common / (len(prediction) + len(answer))


def overlaps(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two character spans share a character: the test for a right citation."""
    return start < other_end and other_start < end
