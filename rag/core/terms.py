"""Terms: the words, numbers, dates, times and identifiers of a text, each in a form in which equal ones compare equal.

"3 June 2026" is "2026-06-03", "1,200.00" is "1200", "9.30 am" is "09:30", "R-1003" stays whole, "tiers" is "tier".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rag.core.words import MONTH, NUMBER_WORDS

WORD, NUMBER, IDENTIFIER, DATE, TIME = "word", "number", "identifier", "date", "time"
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february march april may june july august september october november december".split()
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_DAY = r"(?P<{0}>\d{{1,2}})(?:st|nd|rd|th)?"
_NAMED_MONTH = rf"(?P<{{0}}>{MONTH})\b\.?"
_SPELT = "|".join(
    (
        rf"{_DAY.format('d1')}(?:\s+of)?\s+{_NAMED_MONTH.format('m1')},?(?:\s+(?P<y1>\d{{4}}))?",
        rf"{_NAMED_MONTH.format('m2')}\s+{_DAY.format('d2')}\b(?!:)(?:,?\s+(?P<y2>\d{{4}}))?",
        rf"{_NAMED_MONTH.format('m3')},?\s+(?P<y3>\d{{4}})",
    )
)
_PATTERN = re.compile(
    rf"(?=[\djfmasond])\b(?P<spelt>(?:{_SPELT})(?!\w))"
    r"|(?=\d)(?:(?P<iso>\b\d{4}-\d\d?-\d\d?(?![\w-]))"
    r"|(?P<figures>\b\d\d?[./-]\d\d?[./-](?:\d{4}|\d\d)(?![\w-]|[./]\w))"
    r"|(?P<time>\b\d\d?[:.]\d\d ?[ap]\.?m\b|\b\d\d?:\d\d(?::\d\d)?(?![\w:])|\b\d\d? ?[ap]m\b)"
    r"|(?P<number>(?<![\w.,-])\d+(?:[.,\u00a0\u202f]\d+)*(?:st|nd|rd|th)?(?![\w]|[-/_.:]\w)))"
    r"|(?P<identifier>(?:[^\W_]+[-/_.:#])*[^\W_]*\d[^\W_]*(?:[-/_.:#][^\W_]+)*)"
    r"|(?P<word>[^\W\d_]+)",
    re.I,
)


@dataclass(frozen=True)
class Term:
    """A word, number, date, time or identifier of a text.

    start, end: its characters. kind: which of these. exact: the forms that it may have, more than one where its writing
    can be read in two ways. implied: what it says by the way, as the year of a date.
    """

    start: int
    end: int
    kind: str
    exact: frozenset[str]
    implied: frozenset[str] = frozenset()


@lru_cache(maxsize=20_000)
def find_terms(text: str) -> tuple[Term, ...]:
    """Return the text's terms in order."""
    return tuple(_terms(unicodedata.normalize("NFC", text)))


def stem(word: str) -> str:
    """Return a word of `Term.exact` without endings: joined, joins and joining are one."""
    for ending in ("ings", "ing", "ers", "er", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("pply"):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] in "eiy" else word


def _terms(text: str) -> Iterator[Term]:
    for match in _PATTERN.finditer(text):
        found = next(read for name, read in _READ.items() if match[name])(match)
        if found is not None:
            name, exact, implied = found
            yield Term(match.start(), match.end(), name, frozenset(exact), frozenset(implied))


_Read = tuple[str, set[str], set[str]]


def _date(year: int | None, month: int, day: int | None) -> tuple[set[str], set[str]]:
    """Return the exact and the implied forms of a date, of which year or day may be unknown."""
    named = MONTHS[month - 1]
    if year is None:
        return {f"{month:02}-{day:02}"}, {named}
    whole = f"{year}-{month:02}"
    if day is None:
        return {whole}, {named, str(year)}
    return {f"{whole}-{day:02}"}, {whole, f"{month:02}-{day:02}", named, str(year)}


def _iso(match: re.Match[str]) -> _Read | None:
    year, month, day = map(int, match["iso"].split("-"))
    return (DATE, *_date(year, month, day)) if 1 <= month <= 12 and 1 <= day <= 31 else _identifier(match)


def _figures(match: re.Match[str]) -> _Read | None:
    """Read a date in figures, with the day or the month first."""
    first, second, year = map(int, re.split(r"[./-]", match["figures"]))
    year += 2000 if year < 100 else 0
    readings = [_date(year, month, day) for day, month in {(first, second), (second, first)} if _valid(month, day)]
    if not readings:
        return _identifier(match)
    return DATE, set().union(*(exact for exact, _ in readings)), set().union(*(implied for _, implied in readings))


def _valid(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _spelt(match: re.Match[str]) -> _Read:
    month = match["m1"] or match["m2"] or match["m3"]
    day, year = match["d1"] or match["d2"], match["y1"] or match["y2"] or match["y3"]
    number = next(n for n, name in enumerate(MONTHS, 1) if name.startswith(month.lower()[:3]))
    return (DATE, *_date(int(year) if year else None, number, int(day) if day else None))


def _time(match: re.Match[str]) -> _Read:
    hour, minute, *_ = (*map(int, re.findall(r"\d+", match["time"])), 0)
    after_noon = re.search(r"([ap])\.?m", match["time"], re.I)
    if after_noon:
        hour = hour % 12 + (12 if after_noon[1].lower() == "p" else 0)
    return TIME, {f"{hour:02}:{minute:02}"}, set()


def _number(match: re.Match[str]) -> _Read:
    written = re.sub(r"[\u00a0\u202f]|(?:st|nd|rd|th)$", "", match["number"])
    readings = {re.sub(r",(?=\d{3}\b)", "", written).replace(",", ".")}
    if re.fullmatch(r"\d{1,3}\.\d{3}", written):
        readings.add(written.replace(".", ""))
    return NUMBER, {_shortest(reading) for reading in readings}, set()


def _shortest(number: str) -> str:
    return (number.rstrip("0").rstrip(".") if "." in number else number).lstrip("0") or "0"


def _identifier(match: re.Match[str]) -> _Read:
    """Return it in lower case; without separators where letters tell its parts apart; its long numbers are implied."""
    whole = match[0].lower()
    letters = re.findall(r"[^\W\d_]+", whole)
    exact = {whole, re.sub(r"[-/_.:#]", "", whole)} if letters else {whole}
    unit = re.fullmatch(r"(\d+(?:[.,]\d+)*)([^\W\d_]{1,3})", whole)
    numbers = {unit[1]} if unit else set(re.findall(r"\d{3,}", whole))
    return IDENTIFIER, exact, {*numbers, *letters, *(_shortest(number) for number in numbers)}


def _word(match: re.Match[str]) -> _Read | None:
    word = _folded(match["word"])
    if word in ("s", "t") and match.string[match.start() - 1 : match.start()] in ("'", "’"):
        return None
    shorter = {word[:-2]} if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")) else set()
    word = _singular(word)
    return (
        WORD,
        {_FULL.get(word, word), *_VALUES.get(word, ()), *shorter},
        set(WEEKDAYS[:5]) if word == "weekday" else set(),
    )


def _folded(word: str) -> str:
    """Return a word in lower case and without accents."""
    apart = unicodedata.normalize("NFKD", word.lower().replace("ß", "ss"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


_FULL = {name[:n]: name for name in (*MONTHS, *WEEKDAYS) for n in (3, 4) if name[:n] not in ("mars", "marc")}
_VALUES = {word: (str(n),) for word, n in [*NUMBER_WORDS.items(), *((w, n) for n, w in enumerate(_ORDINALS, 1))]}
del _VALUES["one"]  # "which one" names no number

_READ: dict[str, Callable[[re.Match[str]], _Read | None]] = {
    "word": _word,
    "number": _number,
    "identifier": _identifier,
    "iso": _iso,
    "figures": _figures,
    "spelt": _spelt,
    "time": _time,
}
