"""Questions that lean on the one before, rewritten to stand alone: by rules, since a small model that rewrites also invents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.words import content_words

PRONOUN = re.compile(r"\b(it|its|they|them|their|theirs|he|him|his|she|her|hers|these|those|this|that|there)\b", re.I)
CLAUSE = re.compile(
    r"\b(if|when|before|after|while|until|unless|because|since|once|which|who|whose|that|where|and|but|so)\b", re.I
)
CARRIED_ON = re.compile(r"(?:and|or|but|then|also|what about|how about|what if)\b", re.I)
EXPLETIVE = re.compile(
    r"\bit (?:costs?|takes?)\b(?=.*\bto\b)|\b(?:is|was) it (?:\w+ ){0,3}?(?:to|that)\b|\bthere (?:is|are|was|were)\b|\b(?:is|are|was|were) there\b",
    re.I,
)
ASKING = frozenset(
    "what which who whose whom when where why how many much long far high late early often large big tall old soon".split()
)
LONGEST = 10  # words of a subject, so that it does not grow from turn to turn
NAME = re.compile(
    r"(?:[A-ZÀ-Þ][\w'’.-]*|[A-Za-z]*\d[\w/.-]*)(?: (?:(?:of|the|and|de|St) )?(?:[A-ZÀ-Þ][\w'’.-]*|\d[\w/.-]*))*"
)


@dataclass(frozen=True)
class Turn:
    """A question as it was asked, standing alone, and its answer, "" where it was refused."""

    question: str
    answer: str


def rewrite_followup(question: str, former: Turn | None) -> str:
    """-> the question with what it leaves to the former turn; unchanged where it leaves nothing, or there is none.

    A pronoun without a noun of its own gets the former turn's subject beside it; what has no subject at all ("and for boats?") comes after the former question.
    """
    question = question.strip()
    if former is None or not question:
        return question
    pronoun = _open_pronoun(question)
    if pronoun:
        return f"{question[: pronoun.end()]} ({topic(former)}){question[pronoun.end() :]}"
    if CARRIED_ON.match(question) or len(content_words(question) - ASKING) < 2 and not _names(question):
        return f"{former.question.split('?')[0]}? {question}"
    return question


def topic(turn: Turn) -> str:
    """-> what the turn was about: the answer where it names the person or thing asked for, and the words of the question that say something."""
    asked_for = re.match(r"(?:who|whose|which)\b", turn.question, re.I)
    named = [turn.answer] if asked_for and len(turn.answer.split()) <= 4 and NAME.search(turn.answer) else []
    words = [
        word
        for word in re.findall(r"[^\W_][\w'’/-]*", turn.question)[1:]
        if word not in " ".join(named) and _says(word)
    ]
    return ", ".join([*named, " ".join(words[:LONGEST])] if words else named) or turn.question.rstrip("?")


def _open_pronoun(question: str) -> re.Match[str] | None:
    """-> the first pronoun that nothing in the question explains: no noun in a clause before it, and not the "it" of "does it take"."""
    left = (
        EXPLETIVE.sub(lambda found: " " * len(found[0]), question)
        if len(content_words(question) - ASKING) >= 3
        else question
    )
    for found in PRONOUN.finditer(left):
        before, after = left[: found.start()], left[found.end() :].strip(" ?.!")
        clauses = CLAUSE.split(re.sub(r"^\W*(?:and|or|but|so)\b", "", before, flags=re.I))
        explained = len(clauses) > 1 and any(content_words(clause) - ASKING for clause in clauses[:-1])
        if not explained and not (
            found[0].lower() == "that"
            and after
            and content_words(before.split(" ")[-2] if " " in before.strip() else "")
        ):
            return found
    return None


def _says(word: str) -> bool:
    return any(c.isdigit() for c in word) or bool(content_words(word)) and word not in ASKING


def _names(question: str) -> list[str]:
    """-> names in the question: words with a capital letter that do not begin it, and words with digits."""
    first = len(question) - len(question.lstrip())
    found = [match for match in NAME.finditer(question) if re.search(r"\w{2}|\d", match[0])]
    names = [match[0] if match.start() > first else match[0].partition(" ")[2] for match in found]
    return [
        name.rstrip(".,") for name in names if name.strip(" .") and content_words(name) | set(re.findall(r"\d", name))
    ]
