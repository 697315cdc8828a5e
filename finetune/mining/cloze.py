"""A question made from the sentence itself, without a model: the span replaced by the words that ask for it. Stiff, but it asks for the span and nothing else
(cloze questions with the question word of the answer's kind, Lewis et al., arXiv 1906.04980)."""

from __future__ import annotations

import re

from finetune.mining.answer_spans import CLOSED, MONTHS
from finetune.mining.question_prompt import Candidate
from rag.core.words import STOPWORDS, search_terms

FEWEST = 3  # content words, with fewer of which it says too little to be asked
LEAST = 4  # content words, with fewer of which the heading is put before the question
START = re.compile(r"[;:•]\s|\s[–—]\s|(?<=[.!?])\s")  # of a clause that stands by itself
END = re.compile(
    r"[.;:!?](?=\s|$)|\s[–—]\s|\)|\s\(|,\s(?:and|but|so|which|who|where|because|although|though|since|while)\s"
)
LABEL = re.compile(
    r"^\W*(?:\d+(?:\.\d+)+\s+|\d+[.)]\s+)?(?:(?:[A-Z]{2,}\s+){2,})?"
)  # a list's mark, a paragraph's number, a heading in capitals
LEANING = re.compile(
    r"\b(?:it|its|he|his|him|she|her|they|their|them|this|these|those|there)\b|^(?:that|one|both|all|each|such|we|our)\b",
    re.I,
)
BACK = "(?:beyond|after|before|in|at|with|without|for|by|from|since|until) (?:that|this|these|those)"
LEANS_BACK = re.compile(
    rf"\W*(?:these|those|such|otherwise|instead|then|if so|{BACK})\b", re.I
)  # on the sentence before, which no heading stands for
NO_NOUN = rf"(?:{CLOSED}|in|to|of|by|on|at|as|or|an|if|is|be|it|which|where|while|about|between|during|within|against|being|been|have|did|does)\b"
PIECE = re.compile(r"\S\s+[A-Z][\w’'.-]* $|\w-[A-Z]\w* $")  # before a name: it is the rest of a longer one
OPENS = r"(?:because|although|though|unless|like|despite|under|following|both|only|even)\b"
FIRST = re.compile(rf"(?!(?i:{NO_NOUN}|{OPENS}))[A-Z][\w’'-]+ ")  # the same, at the start
GOES_ON = re.compile(r" (?:(?:de|di|da|du|del|della|la|le|von|van|der|ibn|bin|v)['’]? )?(?:[A-Z]|\d)")  # and after it
NOUN_AFTER = re.compile(rf" (?!{NO_NOUN}|\w+ed\b)[a-z]{{3,}}")
KIND_OF = re.compile(
    r"\b(?:an?|the|its|their|his|her|our) (?:[a-z-]+ ){1,2}$"
)  # before a name that a noun follows: "the old Lisburne nobles"
OPENING = re.compile(r"^(?:But|And|So|Yet|Or|However|Moreover|Therefore|Thus|Also|For example|In addition)\b,? (?=\S)")
WITHIN = re.compile(
    r"\b(?:in|to|of|by|on|at|as|for|from|with|into|near|across|than|like) $"
)  # before a name that may have a noun: "Welsh schools"
PLACED = re.compile(
    r"\b(?:at|near|outside|inside|towards?|across|into|around|visit(?:ed)?|fled|left|reached|entered|invaded|conquered|occupied) $"
)
THING = re.compile(
    r"\b(?:an?|in|from|of|through|throughout|within|on|many|several|multiple|few|some|all|most|no|other|various|both) $",
    re.I,
)
PERIOD = re.compile(rf"(?:(?:{MONTHS})|((?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day))s?$")
LARGE = re.compile(r"\b(?:hundred|thousand)(?: and)? $")  # before a number: it is the rest of a larger one
HANGING = re.compile(
    rf", (?:(?:and|or|but) )?$|(?<!\d )(?:{MONTHS}) (?:and|or|to) $"
)  # before what ends a clause: no verb says more
UNSAID = re.compile(r"^(?:Last |First )?[A-Z][a-z]+(?:ed|pt|id) (?:by|at|aboard|before|\d)")  # "Posted by": what was?
OWNED = re.compile(r"\b(?:its|his|her|their|our|your|whose) $")
CLAUSE = re.compile(
    r"\b(?:is|was|are|were|has|have|had|will|may|can|must|it|they|them|we|you|us)\b"
)  # no end of a phrase, but a clause of its own
CELL = re.compile(r"([^;:|]{2,30}): ([^;|]+)")
ASKS = {"date": "what date", "time": "what time", "name": "who or what", "term": "what", "tail": "what", "reason": "why", "condition": "under what condition",
        "duty": "do what", "definition": "what"}  # fmt: skip


def cloze_question(spot: Candidate) -> str | None:
    """-> the question, None where the sentence gives none: a heading, a row of a table without the columns' names, part of a name, date or number."""
    if spot.text.startswith("#"):
        return None
    before, _, rest = _line(spot.text).partition("<<")
    after = rest.partition(">>")[2]
    cells = CELL.findall(f"{before}<<>>{after}")
    if len(cells) > 2 and re.search(r"(?:^|; )[^;:]{2,30}: $", before):
        return _of_row(cells)
    listed = before.endswith(", ") and after.startswith(",")
    if before.endswith(": ") and spot.kind in ("amount", "number") or spot.kind == "tail" and CLAUSE.search(spot.span):
        return None
    before, after = OPENING.sub("", LABEL.sub("", START.split(before)[-1])), END.split(after)[0]
    if LEANS_BACK.match(before) or UNSAID.match(before) or _hangs(before, after, spot.kind):
        return None
    return _of_clause(before, after, listed, spot)


def _of_clause(before: str, after: str, listed: bool, spot: Candidate) -> str | None:
    """before, after: what stands around the span in its clause. listed: among names with commas between them."""
    unless = before.endswith("unless ")
    if spot.kind in ("reason", "condition"):
        before = re.sub(r",?\s*\b(?:because|if) $", " ", before)
    asks = "what" if unless else _asks(spot)
    if asks == ASKS["name"]:
        if PIECE.search(before) or GOES_ON.match(after) or FIRST.fullmatch(before) or listed:
            return None
        before, asks = _names(before, after)
    if (
        "|" in before + after
        or not asks
        or re.match(r"['’]s\b", after)
        or re.search(r"\S$|\b(?:the|Mr|Mrs|Ms|Miss|Dr|Dame|Captain|[A-Z][a-z]+day) $", before)
    ):
        return None
    said = re.sub(r"\s+", " ", f"{before}{asks}{after}").strip(" ,.;:")
    if len(set(search_terms(said)) - STOPWORDS) < FEWEST or said.count("(") != said.count(")"):
        return None
    return f"{_placed(said, before, spot)}?"


def _hangs(before: str, after: str, kind: str) -> bool:
    if kind in ("amount", "number") and OWNED.search(before):
        return True
    return (
        kind not in ("reason", "condition", "duty") and not after.strip(" .,;:") and HANGING.search(before) is not None
    )


def _names(before: str, after: str) -> tuple[str, str]:
    """-> what stands before a name, and the words that ask for it: whether it is a person is not known, but often what it is not."""
    if before.lower().endswith("the "):
        return before[:-4], "what"
    if THING.search(before) or (WITHIN.search(before) or KIND_OF.search(before)) and NOUN_AFTER.match(after):
        return before, "what"
    return before, "what place" if PLACED.search(before) else ASKS["name"]


def _line(text: str) -> str:
    """-> the text without marks; of several rows of a table the one with the span."""
    rows = [line for line in text.split("\n") if "<<" in line and line.count(": ") > 2]
    return re.sub(r"[*_`#]+|\[[a-z ]+\]|\s+(?=\s)", "", rows[0] if rows else " ".join(text.split()))


def _asks(spot: Candidate) -> str | None:
    span = " ".join(spot.span.split())
    period = PERIOD.match(span)
    if period:
        return "what day" if period[1] else "what month"
    if spot.kind not in ("amount", "number"):
        return "what year" if re.fullmatch(r"\d{4}", span) else ASKS.get(spot.kind, "what")
    unit = re.sub(r"^[£$€]?[\d.,]+\s*|^\w+\s+", "", span, count=1)
    if span.lower().startswith("one ") or LARGE.search(spot.text.partition("<<")[0]):
        return None
    return (
        "how much"
        if span[0] in "£$€"
        else "what percentage"
        if unit in ("%", "per cent", "percent")
        else f"how many {unit}"
    )


def _placed(said: str, before: str, spot: Candidate) -> str:
    """-> with the heading before it, where the sentence alone does not say what it is about."""
    if LEANING.search(before) or len(set(search_terms(said)) - STOPWORDS) < LEAST:
        return f"{LABEL.sub('', spot.headings.split(' > ')[-1])}: {said}"
    return said[0].upper() + said[1:]


def _of_row(cells: list[tuple[str, str]]) -> str | None:
    """-> the column asked for, and up to three others that say which row; None for a column that is called "what"."""
    wanted = next(key for key, value in cells if "<<" in value).strip()
    known = [f"{key.strip()} {value.strip()}" for key, value in cells if "<<" not in value and len(value) < 40][:3]
    return None if wanted.lower() == "what" else f"What {wanted} for {', '.join(known)}?"
