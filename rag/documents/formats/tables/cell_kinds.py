"""What a cell of a table holds, told from its characters: a number, a date, a code, words, or whole sentences."""

from __future__ import annotations

import re
from collections import Counter
from enum import Enum
from functools import lru_cache
from typing import NamedTuple


class Kind(Enum):
    """What a cell holds. GAP: nothing, or a sign that stands for nothing."""

    GAP = "gap"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    CODE = "code"
    LINK = "link"
    FLAG = "flag"
    WORDS = "words"
    PROSE = "prose"


TYPED = frozenset({Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.CODE, Kind.LINK, Kind.FLAG})
LONGEST_WORDS = 60  # characters; what is longer is prose
MAJORITY = 0.6  # of the cells of a column, which give it its kind

GAPS = frozenset("- -- --- – — / . ... … ? n/a n.a. na nil null none nan tba tbc tbd".split())
FLAGS = frozenset("yes no y n true false x ✓ ✔ ✗ ✘ ☐ ☑ ja nein wahr falsch oui non sí si on off".split())
MONTH = (
    r"(?:jan(?:uary?)?|feb(?:ruary?)?|mar(?:ch)?|märz?|apr(?:il)?|ma[iy]|jun[ei]?|jul[iy]?|aug(?:ust)?|sep(?:t(?:ember)?)?"
    r"|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
DAY = (
    r"(?:mon(?:day|tag)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    r"|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)s?"
)
WEEKDAY = rf"(?:{DAY}\.?,?\s+)?"
CLOCK = r"(?:[01]?\d|2[0-4])[:.h][0-5]\d(?::[0-5]\d)?(?:\s?[ap]\.?m\.?)?|(?:0?\d|1[0-2])\s?[ap]\.?m\.?"
DATES = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}",
    r"\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})",
    rf"\d{{1,2}}(?:st|nd|rd|th|\.)?[\s-]*{MONTH}(?:,?[\s-]*\d{{2,4}})?",
    rf"{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?",
    rf"{MONTH}\s+\d{{4}}",
)
DATE = re.compile(rf"{WEEKDAY}(?:{'|'.join(DATES)})(?:[T,]?\s*(?:{CLOCK})\S{{0,6}})?", re.I)
TIME = re.compile(rf"(?:{CLOCK})(?:\s*(?:[-–—]|to|bis)\s*(?:{CLOCK}))?(?:\s?(?:uhr|hrs?|h))?", re.I)
CURRENCY = "(?:EUR|USD|GBP|CHF|NOK|SEK|DKK|PLN|CZK|JPY|CNY|INR|AUD|CAD|NZD)"
DIGITS = r"\d+(?:[.,'’\u00a0\u202f ]\d+)*"
# A sign, a currency, digits (also two that make a range), and a unit of at most two short words: "-3", "£5", "2–4 m".
NUMBER = re.compile(
    rf"(?:ca\.?|about|approx\.?|up to|from|min\.?|max\.?)?\s*[~<>≤≥=±+(−–-]*\s*(?P<before>[€$£¥₹]|{CURRENCY})?"
    rf"\s?[−–-]?{DIGITS}(?:\s*(?:[-–—x×/:±]|to|bis)\s*[€$£¥₹]?{DIGITS})?\s?[-–—+)]*"
    r"(?P<after>\s?(?:[^\W\dA-Z_]|[%‰°€$£¥₹²³µ\"'′″]|[A-Z]{1,3}[a-z]?(?![a-z]))[^\s\d]{0,11}"
    r"(?:[ /](?:[^\W\dA-Z_]|[A-Z]{1,3}(?![a-z]))[^\s\d]{0,11})?)?"
)
CODE = re.compile(r"[#(]?(?=\S*\d)[\w.:/#+*()-]+")
NUMBERED = re.compile(r"\d{4,}[-/]\d+|\d+[-/]0\d+")  # the number of a document, not a range
PHONE = re.compile(r"\+?\(?\d[\d\s()/.-]{6,}")
LINK = re.compile(r"[\w.+-]+@[\w-]+\.\S+|(?:https?://|www\.)\S+", re.I)
SENTENCE = re.compile(r"[^\W\d]{3,}(?:[!?;]|\.(?=\s.{12}))\s+\S|^\S+(?:\s+\S+){3,}[.!?]$")
PERIOD = re.compile(
    rf"(?:19|20)\d\d(?:\s?[-/–]\s?(?:20)?\d\d)?|(?:q[1-4]|h[12])\.?\s?-?\s?\d{{0,4}}|"
    rf"(?:fy|wk|week|day|year|month|quarter|term|half|round)\.?\s?-?\s?\d{{1,4}}"
    rf"|{DAY}|q[1-4]\s?/?\s?\d{{2,4}}|{MONTH}(?:\s?[-–']?\s?\d{{2,4}})?",
    re.I,
)
RANGE = re.compile(
    r"(?:up to|over|under|from|above|below|less than|more than|bis|über|unter|ab|[<>≤≥])\s*\d.*"
    r"|\d[\d.,]*\s*[-–—]\s*\d.*|\d[\d.,]*\s?\+.*",
    re.I,
)
YEAR = re.compile(r"1[5-9]\d\d|20\d\d")
FOOTNOTE_MARKS = "*†‡ "


class CellKind(NamedTuple):
    """The kind of a cell; unit: of a number, "" where it has none."""

    kind: Kind
    unit: str = ""


@lru_cache(maxsize=4096)
def cell_kind(text: str) -> CellKind:
    """Return what a cell holds, told from its characters."""
    text = text[: LONGEST_WORDS + 1].strip()
    text = text.rstrip(FOOTNOTE_MARKS) or text
    low = text.lower()
    if not text or low in GAPS:
        return CellKind(Kind.GAP)
    if low in FLAGS:
        return CellKind(Kind.FLAG)
    if any(c.isdigit() for c in text):
        if found := _with_digits(text):
            return found
    elif LINK.fullmatch(text):
        return CellKind(Kind.LINK)
    return CellKind(Kind.PROSE if len(text) > LONGEST_WORDS or SENTENCE.search(text) else Kind.WORDS)


def _with_digits(text: str) -> CellKind | None:
    for kind, pattern in ((Kind.DATE, DATE), (Kind.TIME, TIME), (Kind.LINK, LINK)):
        if pattern.fullmatch(text):
            return CellKind(kind)
    if not NUMBERED.fullmatch(text) and (number := NUMBER.fullmatch(text)):
        return CellKind(Kind.NUMBER, ((number["before"] or "") + (number["after"] or "").strip()).lower())
    return CellKind(Kind.CODE) if CODE.fullmatch(text) or PHONE.fullmatch(text) else None


def is_period(text: str) -> bool:
    """Return whether it is a year, quarter, month or weekday, as they stand at the head of columns."""
    return PERIOD.fullmatch(text.strip()) is not None


def is_year(text: str) -> bool:
    """Return whether it may be a year, also one long ago."""
    return YEAR.fullmatch(text) is not None


def is_range(text: str) -> bool:
    """Return whether it is a range of numbers, or all of them up to or from one."""
    return RANGE.fullmatch(text) is not None


def is_word(text: str) -> bool:
    """Return whether a cell holds words that may be a name."""
    return cell_kind(text).kind is Kind.WORDS


def common_kind(cells: list[str]) -> tuple[Kind, bool]:
    """Return the kind that most filled cells have, and whether those of numbers have one unit.

    WORDS where no kind has the majority; GAP where no cell is filled.
    """
    kinds = [found for cell in cells if (found := cell_kind(cell)).kind is not Kind.GAP]
    if not kinds:
        return Kind.GAP, True
    kind, count = Counter(found.kind for found in kinds).most_common(1)[0]
    if count < MAJORITY * len(kinds):
        return Kind.WORDS, False
    units = Counter(found.unit for found in kinds if found.kind is kind)
    return kind, units.most_common(1)[0][1] >= MAJORITY * count
