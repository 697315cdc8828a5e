"""When two questions are near-duplicates: the rule of mining and of finding questions that were trained on."""

from __future__ import annotations

NEAR_DUPLICATE = 0.8  # resemblance from which two questions ask for the same


def question_resemblance(first: frozenset[str], second: frozenset[str]) -> float:
    """Return how much two questions resemble each other, from 0 to 1, by the terms of each.

    It is the Jaccard index (Broder, 1997: On the resemblance and containment of documents), but 0 where their numbers
    differ: the 2024 fee is not the 2025 fee.
    """
    if _numbers(first) != _numbers(second):
        return 0.0
    return len(first & second) / len(first | second) if first or second else 1.0


def _numbers(terms: frozenset[str]) -> set[str]:
    return {term for term in terms if any(character.isdigit() for character in term)}
