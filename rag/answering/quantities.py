"""Quantities in a sentence: numbers, dates, times and amounts, each with its unit; and the names beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.text_metrics import normalize
from rag.core.words import FUNCTION_WORDS, MONTH, NUMBER_WORDS, singular

DATE = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({MONTH})\b|\b({MONTH})\.?\s+(\d{{1,2}})\b", re.I)
TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?![\d:])")
MONEY = re.compile(r"([£$€])\s?(\d[\d,]*(?:\.\d+)?)")
_WORD = r"[^\W\d_][\w'’]*"
NUMBER = re.compile(
    rf"(?<![\w.,:/-])(\d+(?:,\d{{3}})*(?:\.\d+)?|(?:{'|'.join(NUMBER_WORDS)})\b)(\s?%|[-\s]+{_WORD}(?:[-\s]+{_WORD})?)?",
    re.I,
)
CURRENCY = {"£": "pound", "$": "dollar", "€": "euro"}


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
    """Return the sentence's quantities in order."""
    found: list[tuple[int, Quantity]] = []
    rest = sentence
    for pattern, parse in ((MONEY, _money), (DATE, _date), (TIME, _time)):
        found += [(match.start(), parse(match)) for match in pattern.finditer(rest)]
        rest = pattern.sub(lambda match: "\0" * len(match[0]), rest)
    found += [(match.start(), _number(match)) for match in NUMBER.finditer(rest)]
    return [quantity for _, quantity in sorted(found, key=lambda pair: pair[0])]


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
    return sentence.lstrip().startswith("|") or len(fields) > 1 and ";" in sentence


def _date(match: re.Match[str]) -> Quantity:
    day, month = match[1] or match[4], (match[2] or match[3]).lower()[:3]
    return Quantity(f"{int(day)} {month}", ("date",), match[0])


def _time(match: re.Match[str]) -> Quantity:
    return Quantity(f"{int(match[1]):02}:{match[2]}", ("time",), match[0])


def _money(match: re.Match[str]) -> Quantity:
    return Quantity(_digits(match[2]), (CURRENCY[match[1]],), match[0])


def _number(match: re.Match[str]) -> Quantity:
    number, after = match[1], (match[2] or "").strip()
    value = str(NUMBER_WORDS.get(number.lower(), _digits(number)))
    words = re.findall(r"[^\s-]+", after)
    if after.startswith("%") or [word.lower() for word in words] in (["per", "cent"], ["percent"]):
        return Quantity(value, ("%",), match[0])
    no_unit = (n for n, word in enumerate(words) if _ends_unit(word.lower()))
    words = words[: next(no_unit, len(words))]
    units = tuple(singular(normalize(word)) for word in words)
    if not units and re.fullmatch(r"(?:19|20)\d\d", value):
        units = ("year",)
    return Quantity(value, units, " ".join([number, *words]))


def _ends_unit(word: str) -> bool:
    return singular(word) in FUNCTION_WORDS | {"plus"} or word in NUMBER_WORDS


def _digits(number: str) -> str:
    """Return a number in digits without separators and trailing zeros."""
    whole = number.replace(",", "")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole
