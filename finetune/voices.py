"""The ways in which people put the same question: in full, as keywords, misspelt. Mechanical, so that nothing is lost of what is asked."""

from __future__ import annotations

import random
import re

from rag.lexical import STOPWORDS

FULL, KEYWORDS, MISSPELT = "full", "keywords", "misspelt"
_LONG = re.compile(r"\b[A-Za-z]{5,}\b")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def pick_voice(rng: random.Random, share: float) -> str:
    """share: of each of the two other voices."""
    drawn = rng.random()
    return KEYWORDS if drawn < share else MISSPELT if drawn < 2 * share else FULL


def speak(question: str, voice: str, rng: random.Random) -> str:
    """-> the question in that voice; in full where too little would be left of it."""
    if voice == KEYWORDS:
        return keywords(question) or question
    return misspelt(question, rng) if voice == MISSPELT else question


def keywords(question: str) -> str | None:
    """-> its content words as one types them into a search box, None when they are fewer than three."""
    said = [word.strip(".,;:?!()\"'") for word in question.split()]
    kept = [word for word in said if word and word.lower() not in STOPWORDS]
    return " ".join(kept) if len(kept) > 2 else None


def misspelt(question: str, rng: random.Random) -> str:
    """-> with a slip in one word of five letters or more, in two where it has five such words; the first letter stays."""
    places = [match.span() for match in _LONG.finditer(question)]
    for start, end in sorted(rng.sample(places, min(len(places), 2 if len(places) > 4 else 1)), reverse=True):
        question = question[:start] + _slip(question[start:end], rng) + question[end:]
    return question


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    slips = [word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]]
    if word[at] != word[at + 1]:
        slips.append(word[:at] + word[at + 1] + word[at] + word[at + 2 :])
    row = next((keys for keys in _KEYS if word[at] in keys), None)
    if row:
        near = row[max(0, row.index(word[at]) - 1) : row.index(word[at]) + 2].replace(word[at], "")
        slips.append(word[:at] + rng.choice(near) + word[at + 1 :])
    return rng.choice(slips)
