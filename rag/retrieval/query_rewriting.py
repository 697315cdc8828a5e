"""Follow-up questions rewritten to stand alone, by rules, because a small model that rewrites also invents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.words import QUESTION_WORDS, content_words
from rag.retrieval.question_shape import (
    CLAUSE_END,
    CONTINUATION,
    ELLIPSIS,
    PREPOSITIONS,
    begins_as_fragment,
    is_sentence,
    without_opener,
)

PRONOUN = re.compile(
    r"\b(it|its|they|them|their|theirs|he|him|his|she|her|hers|these|those|that|there"
    r"|this(?! (?:year|month|week|morning|evening|season|spring|summer|autumn|winter)\b))\b",
    re.I,
)
CONJUNCTION = re.compile(
    r"\b(if|when|before|after|while|until|unless|because|since|once|which|who|whose|that|where|and|but|so)\b", re.I
)
# Pronouns that stand for nothing: "does it take ... to", "is there".
EXPLETIVE = re.compile(r"\bit (?:costs?|takes?)\b(?=.*\bto\b)|\b(?:is|was) it (?:\w+ ){0,3}?(?:to|that)\b", re.I)
EXISTENCE = re.compile(r"\bthere (?:is|are|was|were)\b|\b(?:is|are|was|were) there\b", re.I)
# A question that names what it counts: "how many plots are there", not "how many are there".
COUNTED = re.compile(r"how (?:many|much) (?!(?:of|is|are|was|were)\b)\w.* (?:is|are|was|were) there\b", re.I)
# Words that say little of what a question is about: "And what happens in winter?" needs the question before it.
LIGHT_WORDS = frozenset(
    """happen cost pay need get go come take open close start begin end mean matter apply include work exactly
    monday tuesday wednesday thursday friday saturday sunday weekday weekend week day night morning evening
    spring summer autumn winter year today tomorrow""".split()
)
# Words that only ask; the adjectives stand after "how".
ASKING_WORDS = QUESTION_WORDS | frozenset("long far high late early often large big tall old soon".split())
MAX_TOPIC_WORDS = 10  # so that the topic does not grow from turn to turn
NAME = re.compile(  # words with a capital letter or digits, joined by a few small words
    r"(?:[A-ZÀ-Þ][\w'’.-]*|[A-Za-z]*\d[\w/.-]*)(?: (?:(?:of|the|and|de|St) )?(?:[A-ZÀ-Þ][\w'’.-]*|\d[\w/.-]*))*"
)


@dataclass(frozen=True)
class Turn:
    """A question of the conversation, rewritten to stand alone, and its answer; "" if it was refused."""

    question: str
    answer: str


def rewrite_followup(question: str, former: Turn | None) -> str:
    """Return the question with what it leaves unsaid from the former turn; unchanged where it stands alone.

    A pronoun without a noun in the question gets the former topic beside it. A question without a subject of its own
    ("And for boats?") is put after the former question.
    """
    question = question.strip()
    if former is None or not question:
        return question
    pronoun = _open_pronoun(question)
    if pronoun:
        return f"{question[: pronoun.end()]} ({topic(former)}){question[pronoun.end() :]}"
    return question if _stands_alone(question) else f"{former.question.split('?')[0]}? {question}"


def _stands_alone(question: str) -> bool:
    """Tell whether a question without open pronouns has a topic of its own, so that it may be a change of subject."""
    continued, asked = CONTINUATION.match(question), without_opener(question)
    if ELLIPSIS.search(asked):
        return False
    if COUNTED.match(asked):
        return True
    if not is_sentence(question):
        return not continued and not begins_as_fragment(asked) and _has_topic(asked, _subjects(asked))
    return _has_topic(asked, _subjects(asked) - LIGHT_WORDS if continued else _subjects(asked))


def _has_topic(question: str, subjects: set[str]) -> bool:
    return len(subjects) >= 2 or any(content_words(name) & subjects for name in _names(question))


def topic(turn: Turn) -> str:
    """Return what a turn is about: the content words of the question, after an answer that names a person or thing."""
    asks_for_name = re.match(r"(?:who|whose|which)\b", turn.question, re.I)
    named = asks_for_name and len(turn.answer.split()) <= 4 and NAME.search(turn.answer)
    name = turn.answer if named else ""
    words = re.findall(r"[^\W_][\w'’/-]*", turn.question)[1:]
    content = " ".join([word for word in words if word not in name and _has_content(word)][:MAX_TOPIC_WORDS])
    return ", ".join(filter(None, [name, content])) or turn.question.rstrip("?")


def _open_pronoun(question: str) -> re.Match[str] | None:
    """Return the first pronoun that nothing in the question explains: no noun in an earlier clause, no expletive."""
    long = len(_subjects(question)) >= 3
    text = EXISTENCE.sub(_blank, EXPLETIVE.sub(_blank, question) if long else question)
    for pronoun in PRONOUN.finditer(text):
        before, after = text[: pronoun.start()], text[pronoun.end() :].strip(" ?.!")
        if not _names_a_thing(without_opener(before)) and not _is_relative(pronoun[0], before, after):
            return pronoun
    return None


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _names_a_thing(before: str) -> bool:
    """Tell whether a clause before a pronoun has a noun for it: "about dogs: are", not "in winter, is"."""
    earlier = [clause for clause in CLAUSE_END.split(before)[:-1] if clause]
    topics = [clause for clause in earlier if clause.split()[0].lower() not in PREPOSITIONS - {"about"}]
    return any(_subjects(clause) for clause in (*topics, *CONJUNCTION.split(before)[:-1]))


def _is_relative(pronoun: str, before: str, after: str) -> bool:
    """Return whether it is the "that" of a relative clause, after a noun: "the crane that lifts"."""
    noun = before.split(" ")[-2] if " " in before.strip() else ""
    return pronoun.lower() == "that" and bool(after and content_words(noun))


def _subjects(text: str) -> set[str]:
    return content_words(text) - ASKING_WORDS


def _has_content(word: str) -> bool:
    return any(c.isdigit() for c in word) or bool(content_words(word)) and word not in ASKING_WORDS


def _names(question: str) -> list[str]:
    """Return the names in a question: words with digits, and capitalized words that do not begin it."""
    first = len(question) - len(question.lstrip())
    found = [match for match in NAME.finditer(question) if re.search(r"\w{2}|\d", match[0])]
    names = [match[0] if match.start() > first else match[0].partition(" ")[2] for match in found]
    return [
        name.rstrip(".,") for name in names if name.strip(" .") and content_words(name) | set(re.findall(r"\d", name))
    ]
