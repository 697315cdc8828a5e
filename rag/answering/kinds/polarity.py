"""Whether a sentence says yes or no to a question, where its words tell."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from rag.answering.wording.quantities import Quantity, find_quantities
from rag.core.words import content_words

_ASKS_OTHERWISE = re.compile(r"^\W*(?:who|whose|what|when|where|which|why|how)\b[^.!?]*\?\s*$", re.I)
_AGREES = re.compile(r"(?:^|[.,;!] )(?:ok(?:ay)?|all right|right|true|correct)\?\s*$", re.I)
COVERED = 0.6  # share of the question's content words that a sentence must have to say yes without a modal verb
STEM = 5  # letters that two forms of a word share at least
_WHETHER = re.compile(
    r"^\W*(?:(?:and|so|but|also),? )?(?:is|are|was|were|am|do|does|did|can|could|may|might|must|should|shall|will|would"
    r"|has|have|had)(?:n?['’]t)? "
    r"(?!.*(?:\bor\b(?! not\b)|(?:,|\band) (?:who|whose|what|when|where|which|why|how)\b))",
    re.I,
)
_ALLOWED = re.compile(
    r"^\W*(?:can|could|may|might)\b|\b(?:allowed|permitted|entitled|possible|ok(?:ay)?|all right|free) to\b", re.I
)
_REQUIRED = re.compile(
    r"^\W*(?:must|should|shall)\b|\b(?:have|has|had|need|needs|required|obliged|supposed|expected|necessary)"
    r" (?:\w+ )?to\b|^\W*(?:is|are) .*\b(?:compulsory|mandatory|obligatory|required|needed|necessary)\b|\bdo .* need\b",
    re.I,
)
_SAYS_ALLOWED = re.compile(r"\b(?:may|can|could|allowed|permitted|welcome|entitled|able|free to|possible)\b", re.I)
_SAYS_REQUIRED = re.compile(
    r"\b(?:must|shall|should|ha(?:s|ve|d) to|needs?|required|requires?|compulsory|mandatory|obligatory|always|wears?"
    r"|at all times)\b",
    re.I,
)
_SAYS_FREE = re.compile(
    r"\b(?:optional|voluntary|exempt|needs? not|not (?:required|needed|necessary|compulsory))\b", re.I
)
_LIMIT = r"\b(?:no|not) (?:more|less|fewer|later|earlier|longer|higher|lower|sooner)(?: \w+)? than\b|\bnot only\b"
_DENIAL = re.compile(
    r"\b(?:not|never|cannot|no|none|nobody|nothing|neither|nor|forbidden|forbids?|prohibit(?:s|ed)?|banned|refused?"
    r"|excluded?|excludes|barred|impossible|without)\b|n['’]t\b",
    re.I,
)
# "May not be available on some models": true of some cases, so that it says neither yes nor no.
_IN_SOME_CASES = re.compile(
    r"\bmight not\b|\b(?:(?:may|do|does|is|are|will|can) not|cannot|(?:do|does|is|are|wo|ca)n['’]t)\b"
    r".*\b(?:depend(?:s|ing) (?:up)?on|(?:on|in|for|by|with|to) (?:some|certain|all|every))\b",
    re.I,
)
_ANY_CASE = re.compile(r"\b(?:any|an|no) (?:cases?|exceptions?|circumstances|way|situations?)\b|\bever\b", re.I)
_EXCEPTION = re.compile(r"\bexcept(?:ions?)?\b|\bunless\b|\bonly (?:if|when|for|in)\b", re.I)
_ONLY = re.compile(r"\bonly\b", re.I)
_CLAUSE = re.compile(
    r"[;:()–—]|, (?!and\b|or\b)| (?:but|while|although|whereas|unless|except|if|when|until|because) ", re.I
)
# Words of which one denies the other, in the forms that questions and sentences use.
_OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in """allow/forbid open/closed accept/reject accepted/refused included/excluded include/exclude
    possible/impossible legal/illegal public/private permanent/temporary paid/unpaid free/charged same/different
    inside/outside before/after above/below increase/decrease rise/fall win/lose won/lost alive/dead""".split()
)
_AT_MOST = re.compile(
    r"\b(?:up to|at most|(?:no|not) (?:more|longer|higher|later)(?: \w+)? than|maximum(?: of)?|max\.?|under|below"
    r"|within|less than|shorter than|not exceeding|limit(?:ed)? (?:is|of|to))\W+(?:\w+ ){0,2}$",
    re.I,
)
_AT_LEAST = re.compile(
    r"\b(?:at least|(?:no|not) (?:less|fewer|lower|earlier|shorter)(?: \w+)? than|minimum(?: of)?|over|above|more than"
    r"|longer than|exceeding|from)\W+(?:\w+ ){0,2}$",
    re.I,
)


def asks_whether(question: str) -> bool:
    """Return whether yes or no answers the question, of several sentences the last."""
    last = _last_sentence(question)
    return bool(_WHETHER.search(last) or _AGREES.search(question))


def _last_sentence(question: str) -> str:
    if "?" not in question or _ASKS_OTHERWISE.search(question):
        return question
    return re.split(r"(?<=[.!?:;,]) (?=\w)", question.strip())[-1]


def polarity(question: str, sentence: str) -> bool | None:
    """Return whether the sentence says yes to what the question asks, None where its words do not tell.

    A negated question ("Can't I bring a dog?") asks the same as without the negation.
    """
    within = _within_limit(question, sentence)
    if within is not None:
        return within
    if _ANY_CASE.search(question):
        return True if _EXCEPTION.search(sentence) else None
    asked = content_words(question)
    clause = max(_CLAUSE.split(sentence), key=lambda part: len(_shared(asked, part)))
    if not _shared(asked, clause) or _ONLY.search(clause):
        return None
    if _REQUIRED.search(question) and _SAYS_FREE.search(clause):
        return False
    if _IN_SOME_CASES.search(sentence):
        return None
    if _DENIAL.search(re.sub(_LIMIT, " ", clause, flags=re.I)) or _has_opposite(question, clause):
        return False
    return _affirms(question, asked, clause, sentence)


def _affirms(question: str, asked: set[str], clause: str, sentence: str) -> bool | None:
    """Return True where a sentence without a denial says yes."""
    if _REQUIRED.search(question):
        return True if _SAYS_REQUIRED.search(clause) else None
    covered = len(_shared(asked, sentence)) >= COVERED * len(asked)
    if _ALLOWED.search(question) and _SAYS_ALLOWED.search(clause):
        return True
    return True if covered else None


def _shared(asked: set[str], text: str) -> set[str]:
    stems = {word[:STEM] for word in content_words(text)}
    return {word for word in asked if word[:STEM] in stems}


def _has_opposite(question: str, clause: str) -> bool:
    """Return whether the clause has the opposite of a word of the question, and not that word."""

    def has(word: str, text: str) -> bool:
        return re.search(rf"\b{word}", text, re.I) is not None

    both_ways = (*_OPPOSITES, *(pair[::-1] for pair in _OPPOSITES))
    return any(has(one, question) and has(other, clause) and not has(one, clause) for one, other in both_ways)


def _within_limit(question: str, sentence: str) -> bool | None:
    """Return whether the question's quantity keeps to the limit that the sentence sets for that unit, None for none."""
    asked = [quantity for quantity in find_quantities(question) if quantity.units]
    if len(asked) != 1:
        return None
    limits = [found for q in find_quantities(sentence) if (found := _limit(asked[0], q, sentence)) is not None]
    return limits[0] if len(limits) == 1 else None


def _limit(asked: Quantity, limit: Quantity, sentence: str) -> bool | None:
    if not set(asked.units) & set(limit.units) or set(asked.units) & {"date", "time", "year"}:
        return None
    before = sentence[: sentence.find(limit.words)]
    try:
        value, bound = Decimal(asked.number), Decimal(limit.number)
    except InvalidOperation:
        return None  # 1.2.3
    if _AT_MOST.search(before):
        return value <= bound
    return value >= bound if _AT_LEAST.search(before) else None
