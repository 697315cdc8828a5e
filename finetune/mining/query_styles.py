"""Query styles: the same question in full, as keywords, or misspelt. Made by rules, so that it asks for the same."""

from __future__ import annotations

import random
import re

from rag.core.words import QUESTION_WORDS, STOPWORDS

FULL, KEYWORDS, MISSPELT = "full", "keywords", "misspelt"
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
# Kept among keywords: without them nothing says whether a year or a person is wanted.
KEPT_WORDS = QUESTION_WORDS - {"what", "which"}
MIN_KEYWORDS = 3
# A word with the punctuation inside it: "£1,250", "9.15", "berth-holder's".
WORD = re.compile(r"[\w£$€°](?:[\w%°.,/:'’-]*[\w%°])?")
# A word in lower case that is long enough for a slip, and no part of a compound: "lifts", not "well-known".
LONG_WORD = re.compile(r"(?<![\w'’-])[a-z]{5,}(?![\w'’-])")


def pick_style(rng: random.Random, share: float) -> str:
    """Draw a style. share: of KEYWORDS, and the same of MISSPELT."""
    drawn = rng.random()
    return KEYWORDS if drawn < share else MISSPELT if drawn < 2 * share else FULL


def apply_style(question: str, style: str, rng: random.Random) -> tuple[str, str]:
    """Return the question in the style, and the style; both FULL where the question can't be put in that style."""
    styled = None
    if style == KEYWORDS:
        styled = keywords(question)
    elif style == MISSPELT:
        styled = misspelt(question, rng)
    return (styled, style) if styled else (question, FULL)


def keywords(question: str) -> str | None:
    """Return the question's terms as they are typed into a search box; None where there are fewer than three.

    Words that tell what is wanted stay: "how many", and "what" or "which" within the question.
    """
    words = [(word, re.sub(r"['’]s$", "", word.lower())) for word in WORD.findall(question)]
    if sum(lowered not in STOPWORDS for _, lowered in words) < MIN_KEYWORDS:
        return None
    kept = [
        word
        for position, (word, lowered) in enumerate(words)
        if lowered in KEPT_WORDS or position and lowered in ("what", "which") or lowered not in STOPWORDS
    ]
    return " ".join(kept)


def misspelt(question: str, rng: random.Random) -> str | None:
    """Return the question with one slip in a long word, None where it has none. Names and numbers stay as they are."""
    spans = [match.span() for match in LONG_WORD.finditer(question) if match.group() not in STOPWORDS]
    if not spans:
        return None
    start, end = rng.choice(spans)
    return question[:start] + _misspell(question[start:end], rng) + question[end:]


def _misspell(word: str, rng: random.Random) -> str:
    """Leave out a letter after the first, double it, exchange it with the next, or hit the key beside it."""
    at = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    row = next(keys for keys in KEYBOARD if letter in keys)
    neighbours = row[max(0, row.index(letter) - 1) : row.index(letter) + 2].replace(letter, "")
    slips = [before + after, before + letter + letter + after, before + rng.choice(neighbours) + after]
    if letter != after[0]:
        slips.append(before + after[0] + letter + after[1:])
    return rng.choice(slips)
