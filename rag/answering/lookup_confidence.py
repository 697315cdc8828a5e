"""How likely a look-up is right: a logistic regression fitted on people's questions about tables (eval/LOG.md)."""

from __future__ import annotations

import re

from rag.answering.asked_column import By
from rag.answering.span_selector import sigmoid
from rag.answering.table_reading import TableReading
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
OF_NOUN = -1.2  # where "which bridge" asks for a bridge and the column is not called so
_NOUN = re.compile(r"\W*(?:which|what)\s+(?=\w)", re.I)


def lookup_probability(reading: TableReading) -> float:
    """Return how likely the asked cell is the answer; 0.0 if the table tells none."""
    asked, unexplained = reading.asked, reading.unexplained
    if asked is None:
        return 0.0
    other_noun = asked.has_column and _asks_for_other_noun(reading)
    if other_noun and asked.by is By.MEANING:
        return 0.0  # "what deposit was paid" asks for no rate, though rates are paid
    names = len(unexplained & reading.question.names)
    return sigmoid(
        INTERCEPT
        + OF_WAY[asked.by]
        + OF_COLUMN * (asked.by is By.KIND and asked.cell.cell.column != "")
        + OF_SHARE * asked.share
        + OF_NAME * reading.named[0].by_name
        + OF_WORD * min(MOST_WORDS, len(unexplained) - names)
        + OF_UNKNOWN_NAME * min(MOST_NAMES, names)
        + OF_MISSED * reading.has_missed
        + OF_NOUN * other_noun
    )


def _asks_for_other_noun(reading: TableReading) -> bool:
    noun = _NOUN.match(reading.question.text)
    terms = reading.question.terms
    return noun is not None and any(terms[n].kind == WORD and terms[n].start == noun.end() for n in reading.unexplained)
