"""The type of answer that a question expects, where its words say so (Li & Roth, COLING 2002)."""

from __future__ import annotations

import re

from rag.answering.wording.foreign_answer_types import FOREIGN_RULES
from rag.core.words import MONTH, NUMBER_WORDS

_AUX = "(?:did|do|does|is|are|was|were|will|would|can|could|shall|should|may|might|must|has|have|had)"
_LARGE = "thousand|million|billion|half|quarter|third|once|twice|none|both|single|several|few|dozens?|hundreds"
_NUMBER = rf"\d[\d,.]*|\b(?:{'|'.join(NUMBER_WORDS)}|{_LARGE})\b"
_PERIOD = "second|minute|hour|day|night|week|fortnight|month|year|decade|centur"
_MEASURED = (
    "number|percentage|percent|proportion|amount|distance|temperature|height|depth|speed|width|weight|length|age"
    "|maximum|minimum|quantity|population"
)
_TIME = (
    r"(?<![\d.,])(?:[01]?\d|2[0-4])[:.][0-5]\d\b(?![.,]\d)|\b\d{1,2} ?[ap]m\b"
    r"|\b(?:noon|midnight|dawn|dusk|sunrise|sunset|night|morning|evening|o'clock)\b"
)
_YEAR = r"\b\d{3,4}(?:s|\b)"
_ORDINAL = r"\b\d{1,2}(?:st|nd|rd|th)\b|\b\w+(?:teenth|tieth)\b"
_DAY = (
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"
    r"|\b(?:daily|weekly|monthly|yearly|spring|summer|autumn|winter|easter|christmas)\b"
)
_MOMENT = rf"\b(?:{MONTH})\b|{_DAY}|{_YEAR}|{_ORDINAL}|{_TIME}|\b(?:{_PERIOD})"
_MONEY = r"[£$€]\s?\d|\d\s?%|\b(?:pounds?|dollars?|euros?|pence|free|per cent|percent|million|billion|nothing)\b"
_DURATION = rf"\b(?:{_PERIOD})|\buntil\b|\bby\b|{_NUMBER}"
_PAID = "cost|pay|paid|charged?|fee|fare|fine"
_PRICE = "cost|price|fee|fare|fine|charge"
_BE = "is|was|are|were"
_SIZE = "many|much|far|tall|high|wide|deep|heavy|old|large|big|fast|thick|loud|hot|cold|strong|steep"
_BEFORE_WHEN = r"(?:^|[.,;:?] |\b(?:and|by|from|since|till|to|until) )"
_HOW_LONG = rf"\bhow (?:long|often|soon|late|early)\b|\bhow (?:many|much) (?:{_PERIOD})s?\b"
_HOW_MUCH = rf"\bhow much {_AUX}\b.*\b(?:{_PAID})\b|\bwhat(?:'s| \w+)\b.{{0,40}}\b(?:{_PRICE})s?\b"
_HOW_LARGE = rf"\bhow (?:{_SIZE})\b|\b(?:what|which) (?:(?:{_BE}) the )?(?:\w+ )?(?:{_MEASURED})\b"

# Question pattern, answer pattern; the first question pattern that matches counts.
_RULES = tuple(
    (re.compile(question, re.I), re.compile(answer, re.I))
    for question, answer in (
        (r"\b(?:what|which) times?\b(?! of\b(?! day))", _TIME),
        (r"\b(?:what|which) year\b", _YEAR),
        (rf"{_BEFORE_WHEN}when(?:'s| {_AUX})\b|\b(?:what|which) (?:date|decade|century)\b", _MOMENT),
        (_HOW_LONG, rf"{_DURATION}|{_MOMENT}"),
        (_HOW_MUCH, rf"{_MONEY}|{_NUMBER}"),
        (_HOW_LARGE, _NUMBER),
        *FOREIGN_RULES,
    )
)


def expected_type(question: str) -> re.Pattern[str] | None:
    """Return a pattern that a right answer contains, None if the question's words do not say.

    The types are a time of day, a year, a date, a duration, an amount of money and a number.
    """
    return next((answer for asked, answer in _RULES if asked.search(question)), None)
