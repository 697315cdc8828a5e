"""Questions about two things, taken apart into one question for each.

Each is searched for and answered by itself, since no passage needs to speak of both (Perez et al., EMNLP 2020, arXiv
2002.09758, take questions apart likewise, with a model).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.words import content_words
from rag.retrieval.query_rewriting import ASKING_WORDS, Turn, rewrite_followup


@dataclass(frozen=True)
class SubQuestions:
    """The two questions that a question is made of.

    first, second: what they are about, in the question's order. asked: the question about each. told: what is told of
    their answers, the difference of two values, both evidence SENTENCES, or both ANSWERS.
    """

    first: str
    second: str
    asked: tuple[str, str]
    told: str


DIFFERENCE, SENTENCES, ANSWERS = "difference", "sentences", "answers"
# What a comparison asks of each side: "how much longer is A than B" asks "how long is A".
_ASKED_OF_EACH = {
    **dict.fromkeys(("longer", "shorter"), "How long"),
    **dict.fromkeys(("higher", "lower"), "How high"),
    **dict.fromkeys(("older", "younger"), "How old"),
    **dict.fromkeys(("larger", "bigger", "smaller"), "How large"),
    **dict.fromkeys(("later", "earlier", "sooner"), "When"),
    **dict.fromkeys(("heavier", "lighter"), "How heavy"),
    **dict.fromkeys(("deeper", "shallower"), "How deep"),
    **dict.fromkeys(("wider", "narrower"), "How wide"),
    **dict.fromkeys(("cheaper", "dearer", "more expensive", "less expensive"), "How much"),
    "taller": "How tall",
    "farther": "How far",
    "further": "How far",
    "faster": "How fast",
    "slower": "How fast",
}
_BEFORE = r"^(?:.*[,:;.?] )?"  # what is told before the question: "By the contract, how much ..."
_AUXILIARY = "is|are|was|were|does|do|did|can|could|must|may|will|would|has|have|had|should"
_DEGREE = re.compile(
    rf"^how (?:much|many \w+) ({'|'.join(_ASKED_OF_EACH)}) (?=(?:{_AUXILIARY})\b)(.+?) than (.+)$", re.I
)
_AMOUNT = re.compile(
    rf"{_BEFORE}how (much|many) (?:more|less|fewer|extra) (.*?\b(?:{_AUXILIARY}) .+?),? than (.+)$", re.I
)
_CHANGED = "(?:go(?:ne)? (?:up|down)|r[io]sen?|f[ae]ll(?:en)?|gr[eo]wn?|increased?|decreased?|changed?|drop(?:ped)?)"
_CHANGE = re.compile(
    rf"{_BEFORE}(?:by )?how (?:much|many) (?:have|has|did) (.+?) {_CHANGED} (?:from|between) (.+?) (?:to|and) (.+)$",
    re.I,
)
COMPARATIVES = "|".join(word for word in _ASKED_OF_EACH if " " not in word)
# What asks for a difference, whether or not it can be taken apart: one value alone does not answer it. In "how many of
# the crew are older than 60", "how much is the lower berth" and "how many lower berths" no two values are asked for.
_OF_DIFFERENCE = re.compile(
    rf"\bhow (?:much|many)(?: (?!(?:{_AUXILIARY}|of|the)\b)\w+){{0,2}} "
    rf"(?:(?:more|less|fewer)\b(?! than \d)|(?:{COMPARATIVES})\b(?= (?:{_AUXILIARY}|than|in|on|at|if)\b|\W*$))"
    rf"|\bby how (?:much|many)\b|\bdifference in\b|\bhow (?:much|many) (?:have|has|did) .* {_CHANGED}\b",
    re.I,
)
_BETWEEN = re.compile(
    r"^(?:what(?:['’]s| is| was| are| were)|how (?:large|big|much) (?:is|was)|explain|tell me) the "
    r"(?:(?:main|exact|key) )?differences? (?:in (?:the )?(.+?) )?between (.+?) and (.+)$",
    re.I,
)
_DIFFER = re.compile(r"^how (?:does|do|did|is|are) (.+?) (?:differ|different) from (.+)$", re.I)
_BOTH_DIFFER = re.compile(r"^how (?:do|did|are) (.+?) and (.+?) (?:differ|different)$", re.I)
_COMPARE_IN = re.compile(r"^how (?:does|do|did) (.+?) compare in (?:the )?(.+?) (?:with|to|against) (.+)$", re.I)
_COMPARE = re.compile(r"^(?:how (?:does|do|did) )?(?:compare )?(.+?) (?:compares? )?(?:with|to|against) (.+)$", re.I)
_STARTS_COMPARING = re.compile(r"^(?:compare\b|how (?:does|do|did) .+? compare\b)", re.I)
_ASKS = (
    rf"(?:(?:at|in|on|by|for|from|to|under|with) )?(?:(?:how|when|where|why) (?:{_AUXILIARY})\b|who\b"
    r"|how (?:many|much|long|often|far|high|old|large|big|deep|wide|late|early|soon|fast|heavy)\b"
    r"|(?:what|which|whose)\b)"
)
_BOTH = re.compile(rf"^((?:.*[ :,.?])?(?:{_ASKS}|(?:{_AUXILIARY})\b).+?),? and ({_ASKS} .+)$", re.I)
_OF_BOTH = re.compile(r"\b(?:each|both|either)\b", re.I)
_MEASURE = re.compile(
    r"\b(?:prices?|fees?|fares?|costs?|charges?|rates?|limits?|lengths?|times?|days?|hours?|weeks?|months?|years?"
    r"|amounts?|numbers?|heights?|depths?|weights?|widths?|ages?|temperatures?|periods?|allowances?|capacit(?:y|ies)"
    r"|maximums?|minimums?|percentages?|notice|deposits?|duration)\b",
    re.I,
)
_PREPOSITION = re.compile(r"^(?:in|on|at|under|for|from|before|after|during|with|without|by|of)\b", re.I)


def split_question(question: str) -> SubQuestions | None:
    """Return the two questions that a question is made of, None where it asks one thing."""
    asked = re.sub(r"^\W+|[\s?.!]+$", "", question.strip())
    compared = _degree(asked) or _amount(asked) or _change(asked) or _between(asked) or _differ(asked)
    return compared or _both(asked)


def asks_for_difference(question: str) -> bool:
    """Return whether a question asks how far two values are apart, so that one value alone is no answer."""
    return _OF_DIFFERENCE.search(question) is not None


def _degree(question: str) -> SubQuestions | None:
    """Return the questions of one that compares by a degree: "How much longer is A than B"."""
    found = _DEGREE.match(question)
    if not found:
        return None
    first, second = _sides(found[2], found[3])
    how = _ASKED_OF_EACH[found[1].lower()]
    return SubQuestions(first[1], second[1], (f"{how} {first[0]}?", f"{how} {second[0]}?"), DIFFERENCE)


def _amount(question: str) -> SubQuestions | None:
    """Return the questions of one that compares amounts: "How many more days does A need than B"."""
    found = _AMOUNT.match(question)
    if not found:
        return None
    first, second = _sides(found[2], found[3])
    how = f"How {found[1].lower()}"
    return SubQuestions(first[1], second[1], (f"{how} {first[0]}?", f"{how} {second[0]}?"), DIFFERENCE)


def _change(question: str) -> SubQuestions | None:
    """Return the questions of one about a change: "By how much did A go up from 2023 to 2024"."""
    found = _CHANGE.match(question)
    if not found:
        return None
    what, first, second = found[1], found[2], found[3]
    asked = tuple(f"What was {what} in {when}?" for when in (first, second))
    return SubQuestions(first, second, (asked[0], asked[1]), DIFFERENCE)


def _sides(first: str, second: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return each side's clause with what it is about.

    first: "does the small boat cost in summer". second: what takes the place of its subject, "the large one", or of its
    last phrase, "in winter".
    """
    if re.match(rf"(?:{_AUXILIARY})\b", second, re.I):
        counted = re.match(rf"^(.*?)\b(?:{_AUXILIARY})\b", first, re.I)
        return (first, first), (f"{counted[1] if counted else ''}{second}", second)
    preposition = _PREPOSITION.match(second)
    if preposition and (at := first.lower().rfind(f" {preposition[0].lower()} ")) >= 0:
        second = f"{preposition[0]} {_completed(first[at:].split(maxsplit=1)[1], second[preposition.end() + 1 :])}"
        return (first, first[at + 1 :]), (f"{first[:at]} {second}", second)
    found = re.match(rf"^(.*?\b(?:{_AUXILIARY})) (.+?)( \w+)?$", first, re.I)
    if preposition or not found:
        return (first, first), (f"{first} {second}", second)
    of_being = found[1].split()[-1].lower() in ("is", "are", "was", "were")
    second = _completed(found[2], second)
    subject, verb = (found[2] + (found[3] or ""), "") if of_being else (found[2], found[3] or "")
    return (first, subject), (f"{found[1]} {second}{verb}", second)


def _between(question: str) -> SubQuestions | None:
    """Return the questions of one about a difference: "What is the difference (in price) between A and B"."""
    found = _BETWEEN.match(question)
    if not found:
        return None
    of, first, second = found[1], _named(found[2], found[3]), found[3]
    second = _completed(first, second)
    computes = bool(_MEASURE.search(of or first))
    asked = tuple(f"What is the {of} of {side}?" if of else f"What is {side}?" for side in (first, second))
    return SubQuestions(first, second, (asked[0], asked[1]), DIFFERENCE if computes else SENTENCES)


def _named(first: str, second: str) -> str:
    """Return the first of two things with the noun that stands only beside the second.

    "planned" and "unplanned dredging", "the 2022" and "the 2025 rules on leave".
    """
    one, other = (re.sub(r"^(?:the|a|an) ", "", thing, flags=re.I) for thing in (first, second))
    word, _, noun = other.partition(" ")
    alike = word[-2:] == one[-2:] or word[:1].isdigit() and one[:1].isdigit()
    return f"{first} {noun}" if noun and " " not in one and alike else first


def _completed(first: str, second: str) -> str:
    """Return the second of two things with the words that it shares with the first and leaves out.

    "the fee for A" and "B" are two fees; "a berth in summer" and "one in winter" two berths; "edition 3 of the rules"
    and "edition 4" two editions of the rules.
    """
    head, tail = _head(first), first[len(_head(first)) :]
    if not head.split() or (tail and not tail.split()):  # there is no word to share
        return second
    measured = tail and _MEASURE.search(head)
    last = (tail if measured else head).split()[-1]
    if re.match(r"^the ones?\b", second, re.I):
        return re.sub(r"^the ones?\b", lambda _: f"the {head.split()[-1]}", second, count=1, flags=re.I)
    if re.match(r"^ones?\b(?! (?:hundred|thousand))", second, re.I):
        return re.sub(r"^ones?\b", lambda _: head, second, count=1, flags=re.I)
    if re.search(r"\bones?$", second, re.I):
        second = re.sub(r"\bones?$", lambda _: last, second, flags=re.I)
    if measured and not _MEASURE.search(second):
        return f"{head} {second}" if _PREPOSITION.match(second) else f"{head} {tail.split()[0]} {second}"
    same_noun = set(head.lower().split()) & set(second.lower().split()) - {"the", "a", "an"}
    return second + tail if tail and same_noun and _head(second) == second else second


def _head(thing: str) -> str:
    """Return what stands before the first preposition: "the fee" of "the fee for a small boat"."""
    return re.split(r" (?=(?:for|of|in|on|under|at|with|without|from|during|by) )", thing, maxsplit=1)[0]


def _differ(question: str) -> SubQuestions | None:
    """Return the questions of one that asks how two things differ or compare: "How does A differ from B"."""
    if found := _COMPARE_IN.match(question):
        first, second = found[1], _completed(found[1], found[3])
        asked = tuple(f"What is the {found[2]} of {side}?" for side in (first, second))
        return SubQuestions(first, second, (asked[0], asked[1]), DIFFERENCE)
    found = _DIFFER.match(question) or _BOTH_DIFFER.match(question)
    if not found and _STARTS_COMPARING.match(question):
        found = _COMPARE.match(question)
    if not found:
        return None
    first = _named(found[1], found[2])
    second = _completed(first, found[2])
    return SubQuestions(first, second, (f"What is {first}?", f"What is {second}?"), SENTENCES)


def _both(question: str) -> SubQuestions | None:
    """Return the questions of two that "and" joins: "When was A built, and who built it"."""
    found = _BOTH.match(question)
    if not found or len(content_words(found[2]) - ASKING_WORDS) < 1 or _OF_BOTH.search(found[2]):
        return None
    first, second = f"{found[1]}?", f"{found[2]}?"
    return SubQuestions(first, second, (first, rewrite_followup(second, Turn(first, ""))), ANSWERS)
