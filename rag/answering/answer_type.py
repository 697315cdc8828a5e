"""What kind of answer an English question asks for, where its words say so, and where a text holds one (answer types: Li & Roth, COLING 2002)."""

from __future__ import annotations

import re

from rag.core.words import MONTH, NUMBER_WORDS

_AUX = "(?:did|do|does|is|are|was|were|will|would|can|could|shall|should|may|might|must|has|have|had)"
_LARGE = "thousand|million|billion|half|quarter|third|once|twice|none|both|single|several|few|dozens?|hundreds"
_NUMBER = rf"\d[\d,.]*|\b(?:{'|'.join(NUMBER_WORDS)}|{_LARGE})\b"
_PERIOD = "second|minute|hour|day|night|week|fortnight|month|year|decade|centur"
_MEASURED = "number|percentage|percent|proportion|amount|distance|temperature|height|depth|speed|width|weight|length|age|maximum|minimum|quantity|population"
_TIME = r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?[ap]m\b|\b(?:noon|midnight|dawn|dusk|sunrise|sunset|night|morning|evening|o'clock)\b"
_YEAR = r"\b\d{3,4}(?:s|\b)"
_ORDINAL = r"\b\d{1,2}(?:st|nd|rd|th)\b|\b\w+(?:teenth|tieth)\b"
_DAY = r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:daily|weekly|monthly|yearly|spring|summer|autumn|winter|easter|christmas)\b"
_MOMENT = rf"\b(?:{MONTH})\b|{_DAY}|{_YEAR}|{_ORDINAL}|{_TIME}|\b(?:{_PERIOD})"
_MONEY = r"[£$€]\s?\d|\d\s?%|\b(?:pounds?|dollars?|euros?|pence|free|per cent|percent|million|billion|nothing)\b"
_SPAN = rf"\b(?:{_PERIOD})|\buntil\b|\bby\b|{_NUMBER}"
_PAID = "cost|pay|paid|charged?|fee|fare|fine"
_BE = "is|was|are|were"
_SIZE = "many|much|far|tall|high|wide|deep|heavy|old|large|big|fast|thick|loud|hot|cold|strong|steep"

# Asked for -> what the answer holds. The first that fits counts.
_RULES = tuple(
    (re.compile(asked, re.I), re.compile(holds, re.I))
    for asked, holds in (
        (r"\b(?:what|which) times?\b(?! of\b(?! day))", _TIME),
        (r"\b(?:what|which) year\b", _YEAR),
        (
            rf"(?:^|[.,;:?] |\b(?:and|by|from|since|till|to|until) )when(?:'s| {_AUX})\b|\b(?:what|which) (?:date|decade|century)\b",
            _MOMENT,
        ),
        (rf"\bhow (?:long|often|soon|late|early)\b|\bhow (?:many|much) (?:{_PERIOD})s?\b", rf"{_SPAN}|{_MOMENT}"),
        (
            rf"\bhow much {_AUX}\b.*\b(?:{_PAID})\b|\bwhat(?:'s| \w+)\b.{{0,40}}\b(?:cost|price|fee|fare|fine|charge)s?\b",
            rf"{_MONEY}|{_NUMBER}",
        ),
        (rf"\bhow (?:{_SIZE})\b|\b(?:what|which) (?:(?:{_BE}) the )?(?:\w+ )?(?:{_MEASURED})\b", _NUMBER),
    )
)


def expected_type(question: str) -> re.Pattern[str] | None:
    """-> what an answer of the kind that the question asks for holds: a time, a year, a date, a length of time, an amount of money, a number; None where its
    words do not say."""
    return next((holds for asked, holds in _RULES if asked.search(question)), None)
