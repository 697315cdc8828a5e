"""How likely a look-up is right: a logistic regression fitted on people's questions about tables (eval/LOG.md)."""

from __future__ import annotations

import re

from rag.answering.spans.span_selector import sigmoid
from rag.answering.tables.asked_column import By
from rag.answering.tables.table_reading import TableReading
from rag.core.terms import WORD

INTERCEPT = 1.85
OF_WAY = {By.WORDS: 0.0, By.MEANING: 0.0, By.NAME: 0.2, By.ONLY: -0.4, By.KIND: -1.1}
# Where the only fitting cell has a column's name that is no word of the question: 5 of 15 were right.
OF_COLUMN = -1.5
OF_SHARE = 1.45  # of the column's words that the question has
OF_NAME = 0.75  # where the question names the row by what names it in the table
OF_WORD, MOST_WORDS = -0.66, 4  # for each word of the question that neither row nor column nor headings explain
OF_UNKNOWN_NAME, MOST_NAMES = -0.7, 2  # by judgement: the questions that were fitted name companies that no table names
OF_MISSED = -2.5  # where other rows have words of the question that this one has not: 4 of 10 such rows were right
OF_NOUN = -1.2  # where "which bridge", or "the bridge of", asks for a bridge and no column is called so
_NOUN = re.compile(r"\W*(?:which|what)\s+(?=\w)", re.I)
_FIGURE = re.compile(
    r"\W*what(?:['’]s| is| was| are| were) (?:the |an? |its |their )?((?:[\w-]+ ){0,2}[\w-]+)"
    r" (?:of|for|on|in|at|from|to)\b",
    re.I,
)


def lookup_probability(reading: TableReading) -> float:
    """Return how likely the asked cell is the answer; 0.0 if the table tells none."""
    asked = reading.asked
    if asked is None:
        return 0.0
    other_noun = asked.has_column and _asks_for_other_noun(reading)
    if other_noun and asked.by is By.MEANING:
        return 0.0  # "what deposit was paid" asks for no rate, though rates are paid
    other_figure = not asked.has_column and _asks_for_other_figure(reading)
    in_other_column = asked.by is By.KIND and asked.cell.cell.column != ""
    logit = OF_WAY[asked.by] + OF_COLUMN * in_other_column + OF_SHARE * asked.share
    return sigmoid(logit + _logit(reading) + OF_NOUN * (other_noun or other_figure))


def untold_probability(reading: TableReading) -> float:
    """Return how likely at most a cell of the named row is the answer where nothing tells which column is asked for."""
    logit = OF_WAY[By.KIND] + OF_COLUMN + _logit(reading)
    return sigmoid(logit + OF_NOUN * _asks_for_other_figure(reading))


def _logit(reading: TableReading) -> float:
    """Return what row and question add to the logit, whatever the column."""
    names = len(reading.unexplained & reading.question.names)
    return (
        INTERCEPT
        + OF_NAME * reading.named[0].by_name
        + OF_WORD * min(MOST_WORDS, len(reading.unexplained) - names)
        + OF_UNKNOWN_NAME * min(MOST_NAMES, names)
        + OF_MISSED * reading.has_missed
    )


def _asks_for_other_noun(reading: TableReading) -> bool:
    noun = _NOUN.match(reading.question.text)
    terms = reading.question.terms
    return noun is not None and any(terms[n].kind == WORD and terms[n].start == noun.end() for n in reading.unexplained)


def _asks_for_other_figure(reading: TableReading) -> bool:
    """Return whether the question asks for a thing by name of which the table has no word: "the connection fee"."""
    figure, terms = _FIGURE.match(reading.question.text), reading.question.terms
    if not figure:
        return False
    named = [n for n, term in enumerate(terms) if figure.start(1) <= term.start < figure.end(1)]
    return bool(named) and reading.unexplained.issuperset(named)
