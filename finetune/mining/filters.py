"""Why a mined question is not worth keeping: each filter is a pure function that gives its reason, or None."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from finetune.mining.answer_spans import find_answer_spans
from finetune.mining.question_prompt import Candidate
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize, token_f1
from rag.core.words import STOPWORDS, search_terms

SUPPORTED = 0.5  # from which on the cross-encoder bears a span out
ALIKE = 0.8  # Jaccard index of content words from which on two questions are the same
SAME_SPAN = 0.5  # token F1 from which on the reader has found the span again
_TEXT = re.compile(
    r"\b(this|that|the|given|above|following)( \w+)? (passage|text|sentence|document|paragraph|answer|excerpt|extract)\b|\bmentioned above\b"
)
_PRONOUN = re.compile(
    r"^(who|what|when|where|which|how \w+) (is|are|was|were|did|does|do|has|have|can|will) (it|he|she|they|this|that|these|those)\b"
)


def content(text: str) -> frozenset[str]:
    """-> the words that search goes by."""
    return frozenset(search_terms(text)) - STOPWORDS


def malformed(question: str) -> str | None:
    """Too short, too long, or no question."""
    return None if question.endswith("?") and 4 <= len(question.split()) <= 30 else "not a question of 4 to 30 words"


def points_at_text(question: str) -> str | None:
    """A user who asks has no passage before him."""
    lowered = question.lower()
    return "points at the text" if _TEXT.search(lowered) or _PRONOUN.search(lowered) else None


def repeats_itself(question: str) -> str | None:
    """The small writer's loops: a content word that comes three times, or a pair of words that comes twice."""
    said = [word for word in search_terms(question) if word not in STOPWORDS]
    pairs = list(zip(said, said[1:], strict=False))
    looped = any(said.count(word) > 2 for word in said) or len(set(pairs)) < len(pairs)
    return "repeats itself" if looped or any(a == b for a, b in pairs) else None


def contains_answer(question: str, spot: Candidate) -> str | None:
    """The whole span, or every content word of it."""
    span, asked = normalize(spot.span), normalize(question)
    known = bool(span) and re.search(rf"\b{re.escape(span)}\b", asked) is not None
    return "contains its answer" if known or (content(spot.span) and content(spot.span) <= content(question)) else None


def unrelated(question: str, spot: Candidate) -> str | None:
    """The sentence under its headings must share two content words with the question, and at least half of those that the question has."""
    asked, there = content(question), content(f"{spot.text} {spot.headings}")
    if len(asked & there) < 2:
        return "shares fewer than two words with its sentence"
    return "mostly about something else" if len(asked - there) > len(asked) / 2 else None


def asks_for_another_kind(question: str, spot: Candidate) -> str | None:
    """A question that begins with "when" wants a date or time, with "how much" an amount; a date is no answer to "who"."""
    start = question.lower()
    wants = next((kinds for opening, kinds in EXPECTED if re.match(opening, start)), None)
    return None if wants is None or spot.kind in wants else "asks for another kind of answer"


EXPECTED = (
    (r"(when|on (what|which) (day|date))\b", {"date", "time", "cell", "condition"}),
    (r"(what|at what|until what) time\b", {"time", "cell"}),
    (
        r"how (much|many|long|far|often|old|tall|deep|high|wide|thick|heavy)\b",
        {"amount", "number", "time", "cell", "date"},
    ),
    (r"(who|whose|whom)\b", {"name", "term", "cell"}),
    (r"(what|which) year\b", {"date", "cell"}),
    (r"why\b", {"reason", "condition"}),
)


def near_duplicate(question: str, kept: Iterable[frozenset[str]]) -> str | None:
    """kept: the content words of the questions kept so far. Numbers must be the same: the fare of route 2 is not the fare of route 3."""
    asked = content(question)
    for other in kept:
        if len(asked & other) >= ALIKE * len(asked | other) and _numbers(asked) == _numbers(other):
            return "near-duplicate"
    return None


def _numbers(found: frozenset[str]) -> set[str]:
    return {word for word in found if any(ch.isdigit() for ch in word)}


def answered_otherwise(question: str, spot: Candidate, others: Iterable[Chunk]) -> str | None:
    """others: the passages shown beside its own. A sentence of one that has all the words which the question shares with its own sentence, and a span of the
    same kind but not the answer, gives another answer: last year's policy, the next row of a table."""
    asked = content(question) & content(f"{spot.text} {spot.headings}")
    for chunk in others:
        for first, last in sentence_spans(chunk.text):
            text = chunk.text[first:last]
            alike = asked <= content(f"{text} {' '.join(chunk.headings or (chunk.title,))}") and normalize(
                spot.span
            ) not in normalize(text)
            if alike and any(kind == spot.kind for kind, _, _ in find_answer_spans(text)):
                return "another passage gives another answer"
    return None


def not_found_again(said: str | None, span: str) -> str | None:
    """said: what the reader answers, given the passage alone (round-trip consistency, Alberti et al., arXiv 1906.05416); None where there is no reader."""
    return None if said is None or token_f1(said, [span]) >= SAME_SPAN else "the reader does not find the span again"


def unsupported(own: float, rival: float) -> str | None:
    """own, rival: the cross-encoder's word, from 0 to 1, for the span and for the best other span of its kind in the passages that come back."""
    if own < SUPPORTED:
        return "its sentence does not bear it out"
    return "another span answers it better" if rival > own else None


PLAIN = {  # those that need no model, in this order, and what each looks at
    malformed: ("question",),
    points_at_text: ("question",),
    repeats_itself: ("question",),
    contains_answer: ("question", "spot"),
    unrelated: ("question", "spot"),
    asks_for_another_kind: ("question", "spot"),
    near_duplicate: ("question", "kept"),
}
NAMES = tuple(check.__name__ for check in (*PLAIN, answered_otherwise, not_found_again, unsupported))


def plain_reason(
    question: str, spot: Candidate, kept: Iterable[frozenset[str]], without: Collection[str] = ()
) -> str | None:
    """-> the first reason of those that need no model. without: names of filters that are left out."""
    seen = {"question": question, "spot": spot, "kept": kept}
    checks = ((check, names) for check, names in PLAIN.items() if check.__name__ not in without)
    return next((reason for check, names in checks if (reason := check(*(seen[name] for name in names)))), None)
