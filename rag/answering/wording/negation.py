"""Negation cues in English, explicit and implied (Morante & Daelemans, LREC 2012)."""

from __future__ import annotations

import re

_EXPLICIT = (
    r"(?<!or )\bnot\b(?! only)|\b(?:no(?!\.)|never|none|nor|neither|nothing|nobody|nowhere|without|cannot)\b|n['’]t\b"
)
_IMPLIED = (
    r"\b(?:refus|ban(?:s|ned)\b|prohibit|forb[ia]d|prevent|lack|fail|exclu|except|reject|den(?:y|ie|ial)|unlike|unable"
    r"|instead|rather|only\b|absen|avoid|non)|\w{3}less\b"
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_CLAUSE = re.compile(r"[,;:()–—]| (?:but|while|although|whereas|unless|except) ")
_IN_QUESTION, _IN_SENTENCE = re.compile(_EXPLICIT, re.I), re.compile(f"{_EXPLICIT}|{_IMPLIED}", re.I)


def contradicts(claim: str, sentence: str) -> bool:
    """Return whether one of them has an explicit negation where the other has none.

    Of the sentence only the clauses count that share a word with the claim.
    """
    words = set(_WORD.findall(claim.lower()))
    clauses = [part for part in _CLAUSE.split(sentence) if words & set(_WORD.findall(part.lower()))]
    denied = any(map(_IN_QUESTION.search, clauses))
    return denied != bool(_IN_QUESTION.search(claim))


def negation_mismatch(question: str, sentence: str) -> bool:
    """Return whether the question has a negation cue and the sentence has none, not even an implied one.

    A sentence without a negation seldom says what a fee does not cover. The reverse means little: sentences often
    negate something else by the way.
    """
    return bool(_IN_QUESTION.search(question)) and not _IN_SENTENCE.search(sentence)
