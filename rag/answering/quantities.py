"""Numbers, dates, times and amounts in a sentence, each with what it counts; and the words around them."""

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
    """number: as text, spelt numbers in digits. units: what it may be a number of: the one or two words that follow, "time", "date" or "year".
    words: as it stands in the sentence."""

    number: str
    units: tuple[str, ...]
    words: str


def find_quantities(sentence: str) -> list[Quantity]:
    """-> the sentence's values in order."""
    found: list[tuple[int, Quantity]] = []
    left = sentence
    for pattern, make in ((MONEY, _money), (DATE, _date), (TIME, _time)):
        found += [(match.start(), make(match)) for match in pattern.finditer(left)]
        left = pattern.sub(lambda match: "\0" * len(match[0]), left)
    found += [(match.start(), _counted(match)) for match in NUMBER.finditer(left)]
    return [value for _, value in sorted(found, key=lambda pair: pair[0])]


def _date(match: re.Match[str]) -> Quantity:
    day, month = match[1] or match[4], (match[2] or match[3]).lower()[:3]
    return Quantity(f"{int(day)} {month}", ("date",), match[0])


def _time(match: re.Match[str]) -> Quantity:
    return Quantity(f"{int(match[1]):02}:{match[2]}", ("time",), match[0])


def _money(match: re.Match[str]) -> Quantity:
    return Quantity(_plain(match[2]), (CURRENCY[match[1]],), match[0])


def _counted(match: re.Match[str]) -> Quantity:
    number, after = match[1], (match[2] or "").strip()
    plain = str(NUMBER_WORDS.get(number.lower(), _plain(number)))
    if after.startswith("%"):
        return Quantity(plain, ("%",), match[0])
    words = re.findall(r"[^\s-]+", after)
    if [word.lower() for word in words] in (["per", "cent"], ["percent"]):
        return Quantity(plain, ("%",), match[0])
    words = words[
        : next(
            (
                n
                for n, word in enumerate(words)
                if singular(word.lower()) in FUNCTION_WORDS | {"plus"} or word.lower() in NUMBER_WORDS
            ),
            len(words),
        )
    ]
    units = tuple(singular(normalize(word)) for word in words)
    if not units and re.fullmatch(r"(?:19|20)\d\d", plain):
        units = ("year",)
    return Quantity(plain, units, " ".join([number, *words]))


def _plain(number: str) -> str:
    whole = number.replace(",", "")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole
