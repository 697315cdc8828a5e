"""Whether a question denies what a sentence asserts (cues of negation in English, in words and implied: Morante & Daelemans, LREC 2012)."""

from __future__ import annotations

import re

_DENIES = (
    r"(?<!or )\bnot\b(?! only)|\b(?:no(?!\.)|never|none|nor|neither|nothing|nobody|nowhere|without|cannot)\b|n['’]t\b"
)
_IMPLIES = (
    r"\b(?:refus|ban(?:s|ned)\b|prohibit|forb[ia]d|prevent|lack|fail|exclu|except|reject|den(?:y|ie|ial)|unlike|unable|instead|rather|only\b|absen|avoid|non)"
    r"|\w{3}less\b"
)
_ASKED, _SAID = re.compile(_DENIES, re.I), re.compile(f"{_DENIES}|{_IMPLIES}", re.I)


def negation_mismatch(question: str, sentence: str) -> bool:
    """-> whether the question has a cue of negation and the sentence none, not even an implied one: what a fee does not cover is seldom told by a sentence that
    denies nothing. The other way round says little, since sentences deny much by the way."""
    return bool(_ASKED.search(question)) and not _SAID.search(sentence)
