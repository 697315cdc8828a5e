"""The ways in which people put the same question: in full, as keywords, misspelt. Mechanical, so that what is asked stays the same."""

from __future__ import annotations

import random
import re

from rag.core.words import STOPWORDS

FULL, KEYWORDS, MISSPELT = "full", "keywords", "misspelt"
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
ASKING = frozenset(
    "how many much when where who whom whose why".split()
)  # without them nothing says whether a year or a person is wanted
_WORD = re.compile(r"[\w£$€°](?:[\w%°.,/:'’-]*[\w%°])?")
_COMMON = re.compile(r"(?<![\w'’-])[a-z]{5,}(?![\w'’-])")


def pick_style(rng: random.Random, share: float) -> str:
    """share: of keywords, and of misspelt questions."""
    drawn = rng.random()
    return KEYWORDS if drawn < share else MISSPELT if drawn < 2 * share else FULL


def apply_style(question: str, voice: str, rng: random.Random) -> tuple[str, str]:
    """-> the question in that voice and the voice; in full where the question gives no other."""
    said = keywords(question) if voice == KEYWORDS else misspelt(question, rng) if voice == MISSPELT else None
    return (said, voice) if said else (question, FULL)


def keywords(question: str) -> str | None:
    """-> its content words, as one types them into a search box, and what says which kind of thing is wanted ("what" where it stands within); None when the
    former are fewer than three."""
    plain = [(word, re.sub(r"['’]s$", "", word.lower())) for word in _WORD.findall(question)]
    few = sum(small not in STOPWORDS for _, small in plain) < 3
    kept = [
        word
        for n, (word, small) in enumerate(plain)
        if small in ASKING or n and small in ("what", "which") or small not in STOPWORDS
    ]
    return None if few else " ".join(kept)


def misspelt(question: str, rng: random.Random) -> str | None:
    """-> with one slip in one word of five small letters or more, names and numbers as they are; None when it has no such word."""
    places = [match.span() for match in _COMMON.finditer(question) if match.group() not in STOPWORDS]
    if not places:
        return None
    start, end = rng.choice(places)
    return question[:start] + _slip(question[start:end], rng) + question[end:]


def _slip(word: str, rng: random.Random) -> str:
    """-> a letter after the first left out, doubled, exchanged with the next, or hit beside its key."""
    at = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    row = next(keys for keys in KEYBOARD if letter in keys)
    beside = row[max(0, row.index(letter) - 1) : row.index(letter) + 2].replace(letter, "")
    slips = [before + after, before + letter + letter + after, before + rng.choice(beside) + after]
    if letter != after[0]:
        slips.append(before + after[0] + letter + after[1:])
    return rng.choice(slips)
