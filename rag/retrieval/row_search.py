"""Search for the table rows that a question names: chunks of one table read alike, and their order says little."""

from __future__ import annotations

from collections.abc import Sequence

from rag.core.chunk import Chunk
from rag.core.terms import DATE, IDENTIFIER, MONTHS, NUMBER, Term
from rag.retrieval.table_rows import Mention, Question, Table, find_tables, mentions, named_rows, unexplained_terms

LOOKED_AT = 12  # chunks with table cells that share most words with the question
MOST_UNEXPLAINED = 1  # words of a question that a table need not have
LEAST = 2  # weight of what names a row, from which on the row's chunk is shown


def other_writings(question: Question) -> str:
    """Return the question with its numbers, dates and identifiers also as tables may write them."""
    return " ".join((question.text, *(writing for term in question.terms for writing in _writings(term))))


def named_chunks(question: Question, chunks: Sequence[Chunk]) -> list[int]:
    """Return the positions of the chunks that hold the rows which the question names best, in order.

    Rows that it names equally well are all returned; none that it names by a common word alone.
    """
    best, found = float(LEAST), set[int]()
    for table in find_tables(chunks):
        for mention in named_rows(question, mentions(question, table)):
            if not _is_about(question, table, mention):
                continue
            weight = sum(_weight(question, n) for n in mention.touched) + len(mention.named) / 10
            if weight > best:
                best, found = weight, set()
            if weight >= best:
                found |= {cell.passage - 1 for cell in mention.row.cells}
    return sorted(found)


def _is_about(question: Question, table: Table, mention: Mention) -> bool:
    """Return whether row, columns and headings have nearly all of the question, and each name in it."""
    rest = unexplained_terms(question, table, mention.touched, table.columns)
    return len(rest) <= MOST_UNEXPLAINED and not rest & question.names


def _weight(question: Question, n: int) -> int:
    """Return how surely a term of the question names something: identifiers more than names, names more than words."""
    return 3 if question.terms[n].kind == IDENTIFIER else 2 if n in question.names else 1


def _writings(term: Term) -> list[str]:
    if term.kind == DATE:
        return [writing for date in sorted(term.exact) for writing in _dates(date)]
    if term.kind == NUMBER:
        return [f"{int(number):,} {number}" for number in sorted(term.exact) if number.isdigit()]
    return sorted(term.exact | term.implied)


def _dates(date: str) -> list[str]:
    *year, month, day = date.split("-") if date.count("-") == 2 or len(date) == 5 else (*date.split("-"), "")
    named = MONTHS[int(month) - 1]
    return [date, f"{day.lstrip('0')} {named} {named[:3]}", *year]
