"""Cloze questions, made from the sentence itself without a model: the span is replaced by the words that ask for it.

They are stiff, but ask for the span and nothing else (question words by the kind of answer: Lewis et al., 2019, arXiv
1906.04980).
"""

from __future__ import annotations

import re

from finetune.mining import cloze_patterns as patterns
from finetune.mining.candidates import Candidate
from finetune.mining.filters import query_terms

MIN_TERMS = 3  # with fewer terms to search for, a question says too little
MIN_TERMS_ALONE = 4  # with fewer, the heading is put before it
MAX_CELL = 40  # characters of a table's value that tells which row is meant
NUMBERS = ("amount", "number")
CLAUSES = ("reason", "condition", "duty")  # kinds of spans with a verb of their own
WHO_OR_WHAT = "who or what"
WORDS_FOR_KIND = {  # that ask for a span, by its kind; "what" for all others
    "date": "what date",
    "time": "what time",
    "name": WHO_OR_WHAT,
    "reason": "why",
    "condition": "under what condition",
    "duty": "do what",
}


def cloze_question(candidate: Candidate) -> str | None:
    """Return the question, or None where the sentence gives none.

    It gives none where it is a heading, and where the span is only part of a name, date or number.
    """
    marked = candidate.marked
    if marked.startswith("#"):
        return None
    before, _, rest = _plain_line(marked).partition("<<")
    after = rest.partition(">>")[2]
    cells = patterns.TABLE_CELL.findall(f"{before}<<>>{after}")
    if len(cells) > 2 and patterns.COLUMN_BEFORE.search(before):
        return _ask_for_cell(cells)
    if before.endswith(": ") and candidate.kind in NUMBERS:
        return None
    if candidate.kind == "tail" and patterns.CLAUSE_WORD.search(candidate.span):
        return None
    in_list = before.endswith(", ") and after.startswith(",")
    before = patterns.LIST_LABEL.sub("", patterns.CLAUSE_START.split(before)[-1])
    before, after = patterns.CONJUNCTION_START.sub("", before), patterns.CLAUSE_END.split(after)[0]
    if patterns.REFERRING_START.match(before) or patterns.PARTICIPLE_START.match(before):
        return None
    return None if _is_incomplete(before, after, candidate.kind) else _ask_in_clause(before, after, in_list, candidate)


def _plain_line(marked: str) -> str:
    """Return the sentence without markup; of several rows of a table, the one with the span."""
    rows = [line for line in marked.split("\n") if "<<" in line and line.count(": ") > 2]
    return patterns.MARKUP.sub("", rows[0] if rows else " ".join(marked.split()))


def _ask_for_cell(cells: list[tuple[str, str]]) -> str | None:
    """Ask for a column of a table, with up to three other columns that tell which row is meant."""
    wanted = next(column for column, value in cells if "<<" in value).strip()
    others = [(column, value) for column, value in cells if "<<" not in value and len(value) < MAX_CELL]
    row = ", ".join(f"{column.strip()} {value.strip()}" for column, value in others[:3])
    return None if wanted.lower() == "what" else f"What {wanted} for {row}?"


def _is_incomplete(before: str, after: str, kind: str) -> bool:
    """Whether the question would lack its verb, or whose number is asked for."""
    if kind in NUMBERS and patterns.POSSESSIVE_BEFORE.search(before):
        return True
    at_end = kind not in CLAUSES and not after.strip(" .,;:")
    return at_end and patterns.NO_VERB_BEFORE.search(before) is not None


def _ask_in_clause(before: str, after: str, in_list: bool, candidate: Candidate) -> str | None:
    """Put question words in the span's place in its clause. in_list: whether it is one of several between commas."""
    words = "what" if before.endswith("unless ") else _question_words(candidate)
    if candidate.kind in ("reason", "condition"):
        before = re.sub(r",?\s*\b(?:because|if) $", " ", before)
    if words == WHO_OR_WHAT:
        if in_list or _is_part_of_name(before, after):
            return None
        before, words = _ask_for_name(before, after)
    if not words or "|" in before + after:
        return None
    if patterns.POSSESSIVE_AFTER.match(after) or patterns.TITLE_BEFORE.search(before):
        return None
    question = re.sub(r"\s+", " ", f"{before}{words}{after}").strip(" ,.;:")
    if len(query_terms(question)) < MIN_TERMS or question.count("(") != question.count(")"):
        return None
    return f"{_with_heading(question, before, candidate)}?"


def _question_words(candidate: Candidate) -> str | None:
    span = " ".join(candidate.span.split())
    if period := patterns.MONTH_OR_DAY.match(span):
        return "what day" if period[1] else "what month"
    if candidate.kind not in NUMBERS:
        return "what year" if re.fullmatch(r"\d{4}", span) else WORDS_FOR_KIND.get(candidate.kind, "what")
    if span.lower().startswith("one ") or patterns.LARGE_NUMBER_BEFORE.search(candidate.marked.partition("<<")[0]):
        return None
    unit = patterns.NUMBER.sub("", span, count=1)
    if span[0] in "£$€":
        return "how much"
    return "what percentage" if unit in ("%", "per cent", "percent") else f"how many {unit}"


def _is_part_of_name(before: str, after: str) -> bool:
    cut = patterns.NAME_BEFORE.search(before) or patterns.NAME_AFTER.match(after)
    return bool(cut or patterns.NAME_ONLY_BEFORE.fullmatch(before))


def _ask_for_name(before: str, after: str) -> tuple[str, str]:
    """Return what stands before a name, and the words that ask for it.

    Whether it is a person is not known, but often what it is not.
    """
    if before.lower().endswith("the "):
        return before[:-4], "what"
    qualifies = patterns.PREPOSITION_BEFORE.search(before) or patterns.ARTICLE_BEFORE.search(before)
    if patterns.THING_BEFORE.search(before) or qualifies and patterns.NOUN_AFTER.match(after):
        return before, "what"
    return before, "what place" if patterns.PLACE_BEFORE.search(before) else WHO_OR_WHAT


def _with_heading(question: str, before: str, candidate: Candidate) -> str:
    """Put the heading first where the sentence alone does not say what it is about."""
    if patterns.REFERRING.search(before) or len(query_terms(question)) < MIN_TERMS_ALONE:
        return f"{patterns.LIST_LABEL.sub('', candidate.headings.split(' > ')[-1])}: {question}"
    return question[0].upper() + question[1:]
