"""Quantities in a sentence: numbers, dates, times and amounts, each with its unit; and the names beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from rag.core.text_metrics import normalize
from rag.core.words import FUNCTION_WORDS, MONTH, NUMBER_WORDS, singular

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_NUMERAL = r"\d+(?:[.,]\d+)*"
_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "k": 3, "m": 6, "mn": 6, "mio": 6, "bn": 9}
_SCALE = r"(?:\s?((?i:thousand|million|billion|trillion|[km]|mn|mio|bn))\b)?"
_CODES = {"gbp": "pound", "usd": "dollar", "eur": "euro", "£": "pound", "$": "dollar", "€": "euro"}
_CURRENCY = r"[£$€]|\b(?:GBP|USD|EUR)\b"
_DATE = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+({MONTH})\b|\b({MONTH})\.?\s+(\d{{1,2}})\b(?![,.]?\d)", re.I)
_DATE_IN_DIGITS = re.compile(r"\b(?:\d{4}-(\d\d)-(\d\d)|(\d{1,2})([./])(\d{1,2})\4\d{2,4})\b")
_TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?![\d:])")
_MONEY = re.compile(rf"(?:{_CURRENCY})\s?({_NUMERAL}){_SCALE}|\b({_NUMERAL}){_SCALE}\s?(?:{_CURRENCY})")
# Numbers that name something: a section, a page, a model.
_NAMES = re.compile(
    rf"^\W*(?:\d{{1,3}}(?:\.\d{{1,3}})+[.)]?|\d{{1,3}}[.)])\s(?=[A-Z][a-z]* \w)|\b[A-Z][\w-]+ \d{{3,}}(?= [A-Z][a-z])"
    r"|(?i:§+|\b(?:sections?|clauses?|articles?|chapters?|paragraphs?|parts?|pages?|figures?|tables?|items?|steps?"
    r"|schedule|appendix|annex|exhibit|version|revision|issue|number|room|rule|level|phase)\b"
    rf"|\b(?:art|app|ch|fig|nos?|p|pp|para|sec|ver|vol)\.)\s?\(?{_NUMERAL}"
)
_WORD = r"[^\W\d_][\w'’]*"
_NUMBER = re.compile(
    rf"(?<![\w.,:/–-])({_NUMERAL}|(?:{'|'.join(NUMBER_WORDS)})\b)\)?(?:\s(thousand|million|billion|trillion)\b)?(\s?%|[-\s]+{_WORD}(?:[-\s]+{_WORD})?)?",
    re.I,
)


@dataclass(frozen=True)
class Quantity:
    """A value in a sentence.

    number: as text, spelt numbers in digits. units: what it may be a number of: the one or two words after it, "%",
    "time", "date", "year" or a currency. words: the value as it is written.
    """

    number: str
    units: tuple[str, ...]
    words: str


def find_quantities(sentence: str) -> list[Quantity]:
    """Return the sentence's quantities in order. Numbers of sections, pages and the like are none."""
    found: list[tuple[int, Quantity]] = []
    rest = _NAMES.sub(_blank, sentence)
    for pattern, parse in ((_DATE_IN_DIGITS, _date_in_digits), (_MONEY, _money), (_DATE, _date), (_TIME, _time)):
        found += [(match.start(), parse(match)) for match in pattern.finditer(rest)]
        rest = pattern.sub(_blank, rest)
    found += [(match.start(), _number(match)) for match in _NUMBER.finditer(rest)]
    return [quantity for _, quantity in sorted(found, key=lambda pair: pair[0])]


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match[0])


def names_in(sentence: str) -> set[str]:
    """Return capitalized words after the first, and words of digits and letters (C3): what identifies a thing."""
    words = re.findall(r"[^\W_][\w'’-]*", sentence)
    names = {
        normalize(word)
        for n, word in enumerate(words)
        if n and word[0].isupper() or re.search(r"\d[A-Za-z]|[A-Za-z]\d", word)
    }
    return {name for name in names if name not in ("", "i") and not re.fullmatch(MONTH, name)}


def is_table_row(sentence: str) -> bool:
    """Return whether it is a row of a table or record: rows differ in a cell that nothing marks as the key."""
    fields = re.findall(r"[^\s:;]: ", sentence)
    return sentence.lstrip().startswith("|") or sentence.count(" | ") > 1 or len(fields) > 1 and ";" in sentence


def _date(match: re.Match[str]) -> Quantity:
    day, month = match[1] or match[4], (match[2] or match[3]).lower()[:3]
    return Quantity(f"{int(day)} {month}", ("date",), match[0])


def _time(match: re.Match[str]) -> Quantity:
    return Quantity(f"{int(match[1]):02}:{match[2]}", ("time",), match[0])


def _date_in_digits(match: re.Match[str]) -> Quantity:
    """Read 2024-05-06, 6.5.2024, and 5/6/2024 as far as it can be read in one way only."""
    month, day = match[1] or match[5], match[2] or match[3]
    if match[4] == "/" and int(month) > 12:
        month, day = day, month
    if int(month) > 12 or match[4] == "/" and int(day) <= 12 and day != month:
        return Quantity(match[0], ("date",), match[0])
    return Quantity(f"{int(day)} {_MONTHS[int(month) - 1]}", ("date",), match[0])


def _money(match: re.Match[str]) -> Quantity:
    code = re.search(_CURRENCY, match[0])
    unit = _CODES[code[0].lower()] if code else ""
    return Quantity(_digits(match[1] or match[3], match[2] or match[4]), (unit,), match[0])


def _number(match: re.Match[str]) -> Quantity:
    number, after = match[1], (match[3] or "").strip()
    value = str(NUMBER_WORDS[number.lower()]) if number.lower() in NUMBER_WORDS else number
    value = _digits(value, match[2])
    words = re.findall(r"[^\s-]+", after)
    if after.startswith("%") or [word.lower() for word in words] in (["per", "cent"], ["percent"]):
        return Quantity(value, ("%",), match[0])
    no_unit = (n for n, word in enumerate(words) if _ends_unit(word.lower()))
    words = words[: next(no_unit, len(words))]
    units = tuple(singular(normalize(word)) for word in words)
    if not units and not match[2] and re.fullmatch(r"(?:19|20)\d\d", value):
        units = ("year",)
    return Quantity(
        value, units, " ".join([match[0][: match.end(2) - match.start() if match[2] else len(number)], *words])
    )


def _ends_unit(word: str) -> bool:
    return singular(word) in FUNCTION_WORDS | {"plus"} or word in NUMBER_WORDS


def _digits(number: str, scale: str | None = None) -> str:
    """Return a number in digits, without separators and trailing zeros. scale: a word such as "million"."""
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})*,\d{1,2}|\d{1,3}(?:\.\d{3}){2,}", number):
        number = number.replace(".", "").replace(",", ".")  # 1.250,50
    whole = number.replace(",", "")
    if whole.count(".") > 1:
        return number  # 1.2.3
    value = Decimal(whole).scaleb(_SCALES[scale.lower()] if scale else 0)
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
