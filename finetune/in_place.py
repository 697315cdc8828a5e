"""A question made from the sentence itself, without a model: the span replaced by the words that ask for it. Stiff, but it asks for the span and nothing else
(cloze questions with the question word of the answer's kind, Lewis et al., arXiv 1906.04980)."""

from __future__ import annotations

import re

from finetune.questions import Candidate
from finetune.spans import MONTHS
from rag.lexical import STOPWORDS, words

LEAST = 4  # content words, with fewer of which the heading is put before the question
START = re.compile(r"[;:•]\s|\s[–—]\s|(?<=[.!?])\s")  # of a clause that stands by itself
END = re.compile(r"[.;:!?](?=\s|$)|\s[–—]\s|\)|\s\(|,\s(?:and|but|so|which|who|where|because|although|though|since|while)\s")
LABEL = re.compile(r"^\W*(?:\d+(?:\.\d+)+\s+|\d+[.)]\s+)?(?:(?:[A-Z]{2,}\s+){2,})?")  # a list's mark, a paragraph's number, a heading in capitals
LEANING = re.compile(r"\b(?:it|its|he|his|him|she|her|they|their|them|this|these|those|there)\b|^(?:that|one|both|all|each|such|we|our)\b", re.I)
PERIOD = re.compile(rf"(?:(?:{MONTHS})|((?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day))s?$")
CELL = re.compile(r"([^;:|]{2,30}): ([^;|]+)")
ASKS = {"date": "what date", "time": "what time", "name": "who or what", "term": "what", "tail": "what", "reason": "why", "condition": "under what condition",
        "duty": "do what", "definition": "what"}  # fmt: skip


def ask_in_place(spot: Candidate) -> str | None:
    """-> the question, None where the sentence gives none: a heading, a row of a table without the columns' names, part of a name, date or number."""
    if spot.text.startswith("#"):
        return None
    before, _, rest = _line(spot.text).partition("<<")
    after = rest.partition(">>")[2]
    cells = CELL.findall(f"{before}<<>>{after}")
    if len(cells) > 2 and re.search(r"(?:^|; )[^;:]{2,30}: $", before):
        return _of_row(cells)
    before, after = LABEL.sub("", START.split(before)[-1]), END.split(after)[0]
    unless = before.endswith("unless ")
    if spot.kind in ("reason", "condition"):
        before = re.sub(r",?\s*\b(?:because|if) $", " ", before)
    asks = "what" if unless else _asks(spot)
    if asks == ASKS["name"] and before.lower().endswith("the "):
        before, asks = before[:-4], "what"
    if "|" in before + after or not asks or re.match(r"['’]s\b", after) or re.search(r"\S$|\b(?:the|Mr|Mrs|Ms|Miss|Dr|Dame|Captain|[A-Z][a-z]+day) $", before):
        return None
    said = re.sub(r"\s+", " ", f"{before}{asks}{after}").strip(" ,.;:")
    return f"{_placed(said, before, spot)}?"


def _line(text: str) -> str:
    """-> the text without marks; of several rows of a table the one with the span."""
    rows = [line for line in text.split("\n") if "<<" in line and line.count(": ") > 2]
    return re.sub(r"[*_`#]+|\s+(?=\s)", "", rows[0] if rows else " ".join(text.split()))


def _asks(spot: Candidate) -> str | None:
    span = " ".join(spot.span.split())
    period = PERIOD.match(span)
    if period:
        return "what day" if period[1] else "what month"
    if spot.kind not in ("amount", "number"):
        return "what year" if re.fullmatch(r"\d{4}", span) else ASKS.get(spot.kind, "what")
    unit = re.sub(r"^[£$€]?[\d.,]+\s*|^\w+\s+", "", span, count=1)
    if span.lower().startswith("one "):
        return None
    return "how much" if span[0] in "£$€" else "what percentage" if unit in ("%", "per cent", "percent") else f"how many {unit}"


def _placed(said: str, before: str, spot: Candidate) -> str:
    """-> with the heading before it, where the sentence alone does not say what it is about."""
    if LEANING.search(before) or len(set(words(said)) - STOPWORDS) < LEAST:
        return f"{LABEL.sub('', spot.headings.split(' > ')[-1])}: {said}"
    return said[0].upper() + said[1:]


def _of_row(cells: list[tuple[str, str]]) -> str:
    """-> the column asked for, and up to three others that say which row."""
    wanted = next(key for key, value in cells if "<<" in value).strip()
    known = [f"{key.strip()} {value.strip()}" for key, value in cells if "<<" not in value and len(value) < 40][:3]
    return f"What {wanted} for {', '.join(known)}?"
