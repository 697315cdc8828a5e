"""Numbers, dates, times and amounts in a sentence, each with what it counts; and the words around them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.core.text_metrics import normalize

MONTH = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
SPELT = {
    word: number for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split())
} | {word: 10 * number for number, word in enumerate("thirty forty fifty sixty seventy eighty ninety hundred".split(), 3)}  # fmt: skip
STOPPED = frozenset(
    "a an the and or but of to in on at by for from with as is are was were be been it its this that these those there not no than more most less least up "
    "if when which who whom whose will would shall should can could may might must has have had do does did he she they we you your their our his her i "
    "per each every any all also only so such into after before under over about out then because being".split()
)
DATE = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({MONTH})\b|\b({MONTH})\.?\s+(\d{{1,2}})\b", re.I)
TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?![\d:])")
MONEY = re.compile(r"([£$€])\s?(\d[\d,]*(?:\.\d+)?)")
_WORD = r"[^\W\d_][\w'’]*"
NUMBER = re.compile(
    rf"(?<![\w.,:/-])(\d+(?:,\d{{3}})*(?:\.\d+)?|(?:{'|'.join(SPELT)})\b)(\s?%|[-\s]+{_WORD}(?:[-\s]+{_WORD})?)?", re.I
)
CURRENCY = {"£": "pound", "$": "dollar", "€": "euro"}


@dataclass(frozen=True)
class Value:
    """number: as text, spelt numbers in digits. units: what it may be a number of: the one or two words that follow, "time", "date" or "year".
    words: as it stands in the sentence."""

    number: str
    units: tuple[str, ...]
    words: str


def values(sentence: str) -> list[Value]:
    """-> the sentence's values in order."""
    found: list[tuple[int, Value]] = []
    left = sentence
    for pattern, make in ((MONEY, _money), (DATE, _date), (TIME, _time)):
        found += [(match.start(), make(match)) for match in pattern.finditer(left)]
        left = pattern.sub(lambda match: "\0" * len(match[0]), left)
    found += [(match.start(), _counted(match)) for match in NUMBER.finditer(left)]
    return [value for _, value in sorted(found, key=lambda pair: pair[0])]


def content_words(sentence: str) -> set[str]:
    """-> words that say something, without plural endings, numbers and the most common words."""
    words = {_stem(word) for word in normalize(re.sub(r"[-–—/|*]", " ", sentence)).split() if word not in STOPPED}
    return {
        w
        for w in words
        if w not in STOPPED and w not in SPELT and not any(c.isdigit() for c in w) and not re.fullmatch(MONTH, w)
    }


def _date(match: re.Match[str]) -> Value:
    day, month = match[1] or match[4], (match[2] or match[3]).lower()[:3]
    return Value(f"{int(day)} {month}", ("date",), match[0])


def _time(match: re.Match[str]) -> Value:
    return Value(f"{int(match[1]):02}:{match[2]}", ("time",), match[0])


def _money(match: re.Match[str]) -> Value:
    return Value(_plain(match[2]), (CURRENCY[match[1]],), match[0])


def _counted(match: re.Match[str]) -> Value:
    number, after = match[1], (match[2] or "").strip()
    plain = str(SPELT.get(number.lower(), _plain(number)))
    if after.startswith("%"):
        return Value(plain, ("%",), match[0])
    words = re.findall(r"[^\s-]+", after)
    if [word.lower() for word in words] in (["per", "cent"], ["percent"]):
        return Value(plain, ("%",), match[0])
    words = words[
        : next(
            (n for n, word in enumerate(words) if _stem(word.lower()) in STOPPED | {"plus"} or word.lower() in SPELT),
            len(words),
        )
    ]
    units = tuple(_stem(normalize(word)) for word in words)
    if not units and re.fullmatch(r"(?:19|20)\d\d", plain):
        units = ("year",)
    return Value(plain, units, " ".join([number, *words]))


def _plain(number: str) -> str:
    whole = number.replace(",", "")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _stem(word: str) -> str:
    """A word without the endings of its plural and possessive."""
    word = re.sub(r"['’]s?$", "", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
