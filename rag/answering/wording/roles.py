"""Roles in sales, loans and the like: whoever sold a thing did not buy it, though one sentence names both.

So with changes: in "from 310 to 355 pounds" one value is the old, one the new.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

Span = tuple[int, int]
FARTHEST = 12  # words between a verb and who follows it


@dataclass(frozen=True)
class _Verb:
    """A verb, and the roles of its subject, of its object if that is a person, and of those after prepositions."""

    forms: re.Pattern[str]
    subject: str
    object: str
    after: dict[str, str]


def _verb(forms: str, subject: str, object: str = "", **after: str) -> _Verb:
    return _Verb(re.compile(rf"\b(?:{forms})\b", re.I), subject, object, {"by": subject, **after})


_VERBS = (
    _verb("sells?|sold", "seller", to="buyer"),
    _verb("buys?|bought|purchase[sd]?|acquire[sd]?", "buyer", **{"from": "seller"}),
    _verb("lends?|lent|loaned", "lender", to="borrower"),
    _verb("borrow(?:s|ed)?", "borrower", **{"from": "lender"}),
    _verb("sends?|sent", "sender", to="receiver"),
    _verb("receive[sd]?", "receiver", **{"from": "sender"}),
    _verb("teach(?:es)?|taught", "teacher", "learner", to="learner"),
    _verb("learn(?:s|ed|t)?", "learner", **{"from": "teacher"}),
    _verb("employ(?:s|ed)?|hire[sd]?", "employer", "employee"),
    _verb("defeat(?:s|ed)?|beat(?:s|en)?", "winner", "loser"),
)
_NOUNS = {
    "seller": "seller|vendor",
    "buyer": "buyer|purchaser",
    "lender": "lender",
    "borrower": "borrower",
    "sender": "sender",
    "receiver": "recipient|receiver",
    "teacher": "teacher",
    "learner": "pupil|student",
    "employer": "employer",
    "employee": "employee",
    "winner": "winner",
    "loser": "loser",
}
_ROLE_NOUNS = {
    role: re.compile(rf"\W*(?:is|was|are|were) (?:\w+ ){{0,3}}(?:{nouns})s?\b", re.I) for role, nouns in _NOUNS.items()
}
_WHO = re.compile(
    r"^\W*(?:(?P<before>to|by|from|with|for) )?(?:who|whom|which \w+|what (?:company|firm|person))\b", re.I
)
_CHANGE = re.compile(
    r"\b(before|prior to|after|since)\b.{0,30}\b(?:rise|increase|fall|drop|cut|reduction|change|raise|decrease)\b", re.I
)
_FROM_TO = re.compile(r"\bfrom (?P<old>[^.;]{1,40}?) to (?P<new>\S+)", re.I)
_BE = r"(?:is|are|was|were|been|being|be|gets?|got)"
_PASSIVE = re.compile(rf"\b{_BE}(?: \w+ly| not| then| later| first| also)*\W*$", re.I)
_OF_PASSIVE = re.compile(r"(?: \w+){0,3}? by\b| as\b", re.I)  # after a participle
_PARTICIPLE = re.compile(r"\w+ed|beaten|sold|bought|lent|sent|taught", re.I)
# Between a preposition and a span: articles, titles, and the first words of a name that the span is the rest of.
_BEFORE_SPAN = re.compile(
    r"\b(to|by|from)(?: (?:the|a|an|his|her|its|their|one|mr|mrs|ms|dr)\.?)*(?: (?-i:[A-Z&]\S*))*\s*$", re.I
)
_LEADING = re.compile(r"(?:to|by|from)\s+", re.I)
_TWO = re.compile(r"\s(?:to|by|from)\s")
_OTHER_CLAUSE = re.compile(r"[,;:]|\b(?:and|but|who|which|that|when|because|after|before)\b", re.I)
# Between "who" and a verb: nothing of weight, a subject of its own after "did", or "was" for who is the subject.
_ONLY_AUXILIARIES = re.compile(r"\W*(?:(?:will|would|has|have|had|to|originally|first|last|once|ever)\W+)*", re.I)
_OWN_SUBJECT = re.compile(r"\W*(?:did|does|do|will|would|has|have|had) (?:\S+ ){1,4}", re.I)
_WAS_ITSELF = re.compile(rf"\W*(?:(?:has|have|had|will|would) )?{_BE}\W+(?:\w+ly )?", re.I)


@lru_cache(maxsize=8)
def asked_role(question: str) -> str:
    """Return the role of whom a question asks for, "seller" for "who sold the hall"; "" where it asks for none."""
    who = _WHO.match(question)
    if not who:
        return ""
    rest = question[who.end() :]
    for verb in _VERBS:
        if match := verb.forms.search(rest):
            return _asked_of(verb, who["before"] or "", rest[: match.start()], rest[match.end() :])
    return next((role for role, nouns in _ROLE_NOUNS.items() if nouns.match(rest)), "")


def _asked_of(verb: _Verb, preposition: str, before: str, after: str) -> str:
    """Return the asked role in "PREPOSITION who BEFORE verb AFTER", "" where the question is built otherwise."""
    trailing = re.search(r"\b(to|by|from)\W*$", after, re.I)
    preposition = (preposition or (trailing[1] if trailing else "")).lower()
    if preposition:
        return verb.after.get(preposition, "")
    if _ONLY_AUXILIARIES.fullmatch(before):
        return verb.subject
    return verb.object if _WAS_ITSELF.fullmatch(before) or _OWN_SUBJECT.fullmatch(before) else ""


def has_other_role(question: str, sentence: str, span: Span) -> bool:
    """Return whether a sentence gives a span of it another role than the question asks for, or two roles."""
    if asked := _CHANGE.search(question):
        return _is_other_value(asked[1].lower() in ("before", "prior to"), sentence, span)
    role = asked_role(question)
    if leading := _LEADING.match(sentence[slice(*span)]):
        span = span[0] + leading.end(), span[1]
    given = given_role(role, sentence, span) if role else ""
    return given not in ("", role) or given != "" and _TWO.search(sentence[slice(*span)]) is not None


def asks_for_role(question: str) -> bool:
    """Return whether `has_other_role` can tell anything about the question."""
    return bool(_CHANGE.search(question) or asked_role(question))


def _is_other_value(of_old: bool, sentence: str, span: Span) -> bool:
    change = _FROM_TO.search(sentence)
    if not change:
        return False
    in_old, in_new = span[0] < change.end("old") and change.start("old") < span[1], span[1] > change.start("new")
    return in_new if of_old else in_old


def given_role(role: str, sentence: str, span: Span) -> str:
    """Return which role the sentence gives a span of it in an event where somebody has `role`; "" if none is clear."""
    for verb in _VERBS:
        if role in (verb.subject, verb.object, *verb.after.values()):
            matches = [m for m in verb.forms.finditer(sentence) if m.end() <= span[0] or m.start() >= span[1]]
            if matches:
                return _role_beside(verb, sentence, min(matches, key=lambda match: _distance(match, span)), span)
    return ""


def _distance(match: re.Match[str], span: Span) -> int:
    return max(match.start() - span[1], span[0] - match.end())


def _role_beside(verb: _Verb, sentence: str, match: re.Match[str], span: Span) -> str:
    reduced = _PARTICIPLE.fullmatch(match[0]) and _OF_PASSIVE.match(sentence[match.end() :])
    passive = reduced or _PASSIVE.search(sentence[: match.start()])
    between = sentence[min(span[1], match.end()) : max(span[0], match.start())]
    if _OTHER_CLAUSE.search(between) or len(between.split()) > FARTHEST:
        return ""
    if span[1] <= match.start():
        return verb.object if passive else verb.subject
    if found := _BEFORE_SPAN.search(between):
        return verb.after.get(found[1].lower(), "")
    direct = re.fullmatch(r"\W*(?:the |a |an )?", between, re.I)
    return verb.object if direct and not passive else ""
