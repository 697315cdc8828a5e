"""Filters: each tells why a mined question is not worth keeping, or returns None. All are pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from finetune.mining.answer_spans import find_answer_spans
from finetune.mining.candidates import Candidate
from rag.core.chunk import Chunk
from rag.core.near_duplicates import NEAR_DUPLICATE, question_resemblance
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize, token_f1
from rag.core.words import STOPWORDS, search_terms

MIN_SUPPORT = 0.5  # score of the cross-encoder, from 0 to 1, from which a sentence supports its span as the answer
MIN_F1 = 0.5  # token F1 from which the reader has found the span again
MAX_REPEATS = 2  # of a term in one question
WORDS = range(4, 31)  # of a question
# "in this passage", "the following text", "mentioned above"
POINTS_AT_TEXT = re.compile(
    r"\b(?:this|that|the|given|above|following)(?: \w+)? "
    r"(?:passage|text|sentence|document|paragraph|answer|excerpt|extract)\b"
    r"|\bmentioned above\b"
)
# "What did they ...", "Where is this ..."
PRONOUN_SUBJECT = re.compile(
    r"^(?:who|what|when|where|which|how \w+) (?:is|are|was|were|did|does|do|has|have|can|will) "
    r"(?:it|he|she|they|this|that|these|those)\b"
)
EXPECTED_KINDS = (  # how a question begins, and the kinds of spans that can answer it
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


def query_terms(text: str) -> frozenset[str]:
    """Return the terms that search goes by, without stop words."""
    return frozenset(search_terms(text)) - STOPWORDS


def malformed(question: str) -> str | None:
    """Reject what is too short, too long, or no question."""
    return None if question.endswith("?") and len(question.split()) in WORDS else "not a question of 4 to 30 words"


def points_at_text(question: str) -> str | None:
    """Reject questions that only somebody with the passage before him can understand."""
    lowered = question.lower()
    return "points at the text" if POINTS_AT_TEXT.search(lowered) or PRONOUN_SUBJECT.search(lowered) else None


def repeats_itself(question: str) -> str | None:
    """Reject the loops of a small writer: a term that comes three times, or two terms in a row that come again."""
    terms = [term for term in search_terms(question) if term not in STOPWORDS]
    pairs = list(zip(terms, terms[1:], strict=False))
    loops = any(terms.count(term) > MAX_REPEATS for term in terms) or len(set(pairs)) < len(pairs)
    return "repeats itself" if loops or any(first == second for first, second in pairs) else None


def contains_answer(question: str, candidate: Candidate) -> str | None:
    """Reject questions that have the whole span, or each of its terms."""
    span, terms = normalize(candidate.span), query_terms(candidate.span)
    literal = bool(span) and re.search(rf"\b{re.escape(span)}\b", normalize(question)) is not None
    return "contains its answer" if literal or terms and terms <= query_terms(question) else None


def unrelated(question: str, candidate: Candidate) -> str | None:
    """Reject questions that share fewer than two terms, or less than half, with the sentence and its headings."""
    terms, source = query_terms(question), _source_terms(candidate)
    if len(terms & source) < 2:
        return "shares fewer than two words with its sentence"
    return "mostly about something else" if len(terms - source) > len(terms) / 2 else None


def _source_terms(candidate: Candidate) -> frozenset[str]:
    return query_terms(f"{candidate.sentence_text} {candidate.headings}")


def asks_for_another_kind(question: str, candidate: Candidate) -> str | None:
    """Reject a "when" whose span is no date or time, a "how much" whose span is no amount, and so on."""
    start = question.lower()
    kinds = next((kinds for opening, kinds in EXPECTED_KINDS if re.match(opening, start)), None)
    return None if kinds is None or candidate.kind in kinds else "asks for another kind of answer"


def near_duplicate(question: str, kept: Iterable[frozenset[str]]) -> str | None:
    """Reject what was asked before: the fare of route 2 again, but not the fare of route 3.

    kept: `query_terms` of the questions kept so far.
    """
    terms = query_terms(question)
    return "near-duplicate" if any(question_resemblance(terms, other) >= NEAR_DUPLICATE for other in kept) else None


def answered_otherwise(question: str, candidate: Candidate, others: Iterable[Chunk]) -> str | None:
    """Reject questions that another passage answers otherwise: last year's policy, the next row of a table.

    It does where a sentence, under its headings, has all terms that the question shares with its own sentence, and has
    a span of the same kind but not the answer. others: the passages shown beside the candidate's.
    """
    terms, answer = query_terms(question) & _source_terms(candidate), normalize(candidate.span)
    for chunk in others:
        headings = " ".join(chunk.headings or (chunk.title,))
        for first, last in sentence_spans(chunk.text):
            sentence = chunk.text[first:last]
            about_the_same = terms <= query_terms(f"{sentence} {headings}") and answer not in normalize(sentence)
            if about_the_same and any(kind == candidate.kind for kind, _, _ in find_answer_spans(sentence)):
                return "another passage gives another answer"
    return None


def not_found_again(answer: str | None, span: str) -> str | None:
    """Reject where the reader finds another answer (round-trip consistency: Alberti et al., 2019, arXiv 1906.05416).

    answer: what the reader answers from the passage alone, "" for nothing, None where there is no reader.
    """
    return None if answer is None or token_f1(answer, [span]) >= MIN_F1 else "the reader does not find the span again"


def unsupported(support: float, best_rival: float) -> str | None:
    """Reject where the sentence does not support its span as the answer, or another span is supported better.

    support: the cross-encoder's score of the span, from 0 to 1; best_rival: of the best other span of its kind.
    """
    if support < MIN_SUPPORT:
        return "its sentence does not support it"
    return "another span answers it better" if best_rival > support else None


Filter = Callable[[str, Candidate, Iterable[frozenset[str]]], str | None]
MODEL_FREE: dict[str, Filter] = {  # the filters that need no model, in the order they are applied
    "malformed": lambda question, candidate, kept: malformed(question),
    "points_at_text": lambda question, candidate, kept: points_at_text(question),
    "repeats_itself": lambda question, candidate, kept: repeats_itself(question),
    "contains_answer": lambda question, candidate, kept: contains_answer(question, candidate),
    "unrelated": lambda question, candidate, kept: unrelated(question, candidate),
    "asks_for_another_kind": lambda question, candidate, kept: asks_for_another_kind(question, candidate),
    "near_duplicate": lambda question, candidate, kept: near_duplicate(question, kept),
}
NAMES = (*MODEL_FREE, answered_otherwise.__name__, not_found_again.__name__, unsupported.__name__)


def model_free_reason(
    question: str, candidate: Candidate, kept: Iterable[frozenset[str]], without: Collection[str] = ()
) -> str | None:
    """Return the first reason of the filters that need no model.

    kept: `query_terms` of the questions kept so far. without: names of filters to leave out.
    """
    for name, check in MODEL_FREE.items():
        if name not in without and (reason := check(question, candidate, kept)):
            return reason
    return None
