"""Unanswerable questions by a turn of the relation: begins becomes ends, bought becomes sold, bridges become towers.

People wrote such questions for SQuAD 2.0 (Rajpurkar et al., 2018, arXiv 1806.03822, table 3: antonyms).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

# Words that stand in each other's place in the same form.
OPPOSITES = tuple(
    tuple(line.split())
    for line in (
        "begin end",
        "begins ends",
        "began ended",
        "start end",
        "started ended",
        "starts ends",
        "starting ending",
        "first last",
        "opened closed",
        "open close",
        "founded dissolved",
        "joined left",
        "join leave",
        "arrived departed",
        "arrive depart",
        "bought sold",
        "buy sell",
        "won lost",
        "win lose",
        "gained lost",
        "import export",
        "imported exported",
        "imports exports",
        "increase decrease",
        "increased decreased",
        "rose fell",
        "highest lowest",
        "largest smallest",
        "biggest smallest",
        "longest shortest",
        "oldest newest",
        "best worst",
        "more fewer",
        "maximum minimum",
        "before after",
        "earliest latest",
        "above below",
        "inside outside",
        "accepted rejected",
        "supported opposed",
        "support oppose",
        "allowed forbidden",
        "include exclude",
        "includes excludes",
        "like dislike",
        "easy difficult",
        "advantage disadvantage",
        "advantages disadvantages",
        "major minor",
        "majority minority",
        "positive negative",
        "strong weak",
        "rich poor",
        "public private",
        "same different",
        "common rare",
        "always never",
        "succeeded failed",
        "enter leave",
        "entered left",
        "lend borrow",
        "build demolish",
        "built demolished",
        "created destroyed",
        "added removed",
        "hired dismissed",
    )
)
_OTHER = {word: other for one, two in OPPOSITES for word, other in ((one, two), (two, one))}
_COUNTED = re.compile(r"\bhow many ([a-z]{3,}s)\b", re.I)
_NUMBER = r"(?:\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million|several|many)\b)"


def turn_relation(question: str, passage: str, rng: random.Random) -> str | None:
    """Return the question with its relation turned round, None where none of its words has an opposite.

    passage: what answers the question; the opposite must not stand in it.
    """
    found = [match for match in re.finditer(r"[a-z]+", question) if match[0] in _OTHER]
    found = [match for match in found if not re.search(rf"\b{_OTHER[match[0]][:5]}", passage, re.I)]
    if not found:
        return None
    match = rng.choice(found)
    return question[: match.start()] + _OTHER[match[0]] + question[match.end() :]


def counted_things(questions: Sequence[str]) -> list[str]:
    """Return what the questions ask the number of, each once: "how many BRIDGES"."""
    return sorted({match[1].lower() for question in questions if (match := _COUNTED.search(question))})


def count_another(question: str, passage: str, things: list[str], rng: random.Random) -> str | None:
    """Return the question about the number of something else that the passage names but does not count, or None."""
    asked = _COUNTED.search(question)
    if not asked:
        return None
    found = [
        thing
        for thing in things
        if thing[:4] != asked[1][:4].lower()
        and re.search(rf"\b{thing}\b", passage, re.I)
        and not re.search(rf"{_NUMBER}[^.]{{0,40}}\b{thing}\b", passage, re.I)
    ]
    return question[: asked.start(1)] + rng.choice(found) + question[asked.end(1) :] if found else None
