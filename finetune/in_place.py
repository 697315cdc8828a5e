"""A question made from the sentence itself, without a model: the span replaced by the words that ask for it. Stiff, but it asks for the span and nothing else
(cloze questions with the question word of the answer's kind, Lewis et al., arXiv 1906.04980)."""

from __future__ import annotations

import re

from finetune.questions import Candidate
from rag.lexical import STOPWORDS, words

LEAST = 3  # content words, with fewer of which the heading is put before the question
CUT = r"[;:•]\s|\s[–—]\s|,\s(?:and|but|so|which|who|where|although|though|since|while)\s|\s\("
LABEL = re.compile(r"^\W*(?:\d+(?:\.\d+)+\s+|\d+[.)]\s+)?")  # of a list item or a numbered paragraph
PRONOUN = re.compile(r"(?:it|its|he|his|she|her|they|their|this|that|these|those|we|our|you|your|there|one|both|all|each|such)\b", re.I)
CELL = re.compile(r"([^;:|]{2,30}): ([^;|]+)")
ASKS = {"date": "what date", "time": "what time", "name": "who or what", "term": "what", "tail": "what", "reason": "why", "condition": "under what condition",
        "duty": "do what", "definition": "what"}  # fmt: skip


def ask_in_place(spot: Candidate) -> str | None:
    """-> the question, None for a row of a table that has no names of columns."""
    flat = " ".join(re.sub(r"[*_`#]+", "", spot.text).split())
    before, _, rest = flat.partition("<<")
    after = rest.partition(">>")[2]
    if "|" in flat:
        return None
    cells = CELL.findall(flat)
    if len(cells) > 2 and re.search(r"(?:^|; )[^;:]{2,30}: $", before):
        return _of_row(cells)
    before, after = re.split(CUT, before)[-1], re.split(CUT + r"|[.;:!?](?=\s|$)|\)", after)[0]
    if spot.kind in ("reason", "condition"):
        before = re.sub(r",?\s*(?:because|only if|unless|if) $", " ", before)
    said = re.sub(r"\s+", " ", f"{LABEL.sub('', before)}{_asks(spot)}{after}").strip(" ,.;:")
    return f"{_placed(said, spot)}?"


def _asks(spot: Candidate) -> str:
    span = " ".join(spot.span.split())
    if spot.kind in ("amount", "number"):
        unit = re.sub(r"^[£$€]?[\d.,]+\s*|^\w+\s+", "", span, count=1)
        return "how much" if span[0] in "£$€" else "what percentage" if unit in ("%", "per cent", "percent") else f"how many {unit}"
    return "what year" if re.fullmatch(r"\d{4}", span) else ASKS.get(spot.kind, "what")


def _placed(said: str, spot: Candidate) -> str:
    """-> with the heading before it, where the sentence alone does not say what it is about."""
    if PRONOUN.match(said) or len(set(words(said)) - STOPWORDS) < LEAST:
        return f"{LABEL.sub('', spot.headings.split(' > ')[-1])}: {said}"
    return said[0].upper() + said[1:]


def _of_row(cells: list[tuple[str, str]]) -> str:
    """-> the column asked for, and up to three others that say which row."""
    wanted = next(key for key, value in cells if "<<" in value).strip()
    known = [f"{key.strip()} {value.strip()}" for key, value in cells if "<<" not in value and len(value) < 40][:3]
    return f"What {wanted} for {', '.join(known)}?"
