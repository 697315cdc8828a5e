"""The shape of a question: what only opens it, and whether it is a sentence with a verb or a fragment."""

from __future__ import annotations

import re

# What a speaker says before a question and that says nothing: "OK, and", "Thanks! Then".
OPENER = re.compile(
    r"(?:(?:and|or|but|so|also|then|now|ok|okay)\b[\s,.!:;–—-]*"
    r"|(?:thanks|thank you|well|right|great|good|fine|sorry|please|yes|no|wait|ah|oh|hm+)\s*[,.!:;–—-]+\s*)+",
    re.I,
)
CONTINUATION = re.compile(r"(?:and|or|but|so|then|also|what about|how about|what if)\b", re.I)  # "And for boats?"
CLAUSE_END = re.compile(r"\s*[,:;.?!–—]+(?:\s+|$)|\s+-+\s+")
VERBS = frozenset(
    """is are was were am do does did has have had can could may might must should shall will would isn't aren't wasn't
    weren't don't doesn't didn't hasn't haven't can't couldn't mustn't shouldn't won't wouldn't""".split()
)
SPEAKERS = frozenset("i we you he she it they one a an the my our your".split())  # a statement begins with them
PREPOSITIONS = frozenset(
    """about after at before between beyond by during except for from in into of on only out over per since than through
    to under until till up upon with within without""".split()
)
# A fragment that begins so belongs to what was said before: "Only in winter?", "Same for dogs?"
FRAGMENT_STARTS = PREPOSITIONS | frozenset(
    "as because even if just not same unless how what when where which who whom whose why".split()
)
REQUEST = re.compile(r"(?:tell|show|explain|list|name|give|describe)\b|i (?:want|need|would like) to know\b", re.I)
# Words that compare with something said before, or stand for it.
ELLIPSIS = re.compile(
    r"\b(?:instead(?! of)|else|otherwise|as well|the same|exceptions?)\b|\b(?:too|either|then)\W*$"
    r"|\b(?:cheap|long|short|earli|lat|high|low|bigg|small|fast|slow|bett)er\b(?!.*\bthan\b)",
    re.I,
)


def without_opener(question: str) -> str:
    """Return a question without the words that only open it: "OK, and who pays?" becomes "who pays?"."""
    opener = OPENER.match(question)
    return question[opener.end() :] if opener else question


def begins_as_fragment(question: str) -> bool:
    """Tell whether its first word shows that a question without a verb goes on with what was said before."""
    return _words(question)[:1] in [[word] for word in FRAGMENT_STARTS]


def is_sentence(question: str) -> bool:
    """Tell whether one of a question's clauses is a whole main clause: it asks with a verb, or requests."""
    return any(_is_main_clause(without_opener(clause)) for clause in CLAUSE_END.split(question) if clause)


def _is_main_clause(clause: str) -> bool:
    words = _words(clause)
    while words[:1] and words[0] in PREPOSITIONS:  # "to what torque is it tightened"
        words = words[1:]
    if not words:
        return False
    first, rest = words[0], words[1:]
    if first in ("when", "where", "why"):
        return bool(rest) and rest[0] in VERBS  # "when I pay" is no question
    if first in ("who", "whom", "what", "which", "whose", "how"):
        return _has_verb(rest) or _has_verb_after_noun(first, rest)
    return first in VERBS and bool(rest) or bool(REQUEST.match(clause))


def _has_verb(words: list[str]) -> bool:
    """Tell whether an auxiliary verb comes soon, and before any subject: "many credits does the thesis give"."""
    for word in words[:6]:
        if word in VERBS:
            return True
        if word in SPEAKERS:
            return False
    return False


def _has_verb_after_noun(first: str, rest: list[str]) -> bool:
    """Tell whether words other than an adverb or preposition stand where the verb of a subject would: "who sweeps"."""
    at = 0 if first in ("who", "what") else 2 if first == "how" else 1
    verb, following = rest[at : at + 1], rest[at + 1 :]
    return bool(verb and following) and verb[0] not in PREPOSITIONS | {"else"} and not verb[0].endswith("ly")


def _words(text: str) -> list[str]:
    spelled = re.sub(r"\b(who|what|where|when|how|why)['’](?:s|re)\b", r"\1 is", text.lower())
    return re.findall(r"[^\W_][\w'’-]*", spelled.replace("’", "'"))
