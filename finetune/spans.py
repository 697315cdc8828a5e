"""Spans worth asking for, by plain rules: amounts, dates, times, names, marked terms, and what a sentence ends on."""

from __future__ import annotations

import re

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
UNITS = (
    "%|per cent|percent|days?|weeks?|months?|years?|hours?|minutes?|seconds?|metres?|meters?|miles?|km|kg|kW|MW|kV|kVA|MVA|tonnes?|tons?|"
    "litres?|knots?|°C|degrees|pence|pounds|dollars|euros|people|passengers|staff|members|copies|pallets?|berths?|cm|mm|m|t|nm|bar|ppm"
)
NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|fifty"
CLOSED = "and|but|for|the|now|was|are|has|had|its|may|not|per|who|from|with|after|until|more|each|were|that"
RULES = (
    ("date", rf"\b\d{{1,2}} (?:{MONTHS})(?: \d{{4}})?\b|\b(?:{MONTHS}) \d{{4}}\b|\b(?:1[5-9]|20)\d\d\b"),
    ("time", r"\b\d{1,2}[:.]\d{2}\b(?: ?[ap]m)?"),
    ("amount", rf"[£$€]\d[\d,.]*\d?(?: ?(?:m|bn|million|billion)\b)?|\b\d[\d,]*(?:\.\d+)? ?(?:{UNITS})(?![\w])"),
    ("term", r"(?<=\*)[^*\n]{3,40}(?=\*)|(?<=[“\"])[^”\"\n]{3,40}(?=[”\"])"),
    ("name", r"(?<=[a-z,)] )(?:[A-Z][\w’'-]+)(?: (?:of |the |and |de )?[A-Z][\w’'-]+){0,4}"),
    ("number", rf"\b(?:{NUMBERS}|\d[\d,.]*\d|\d)\b(?: (?!(?:{CLOSED})\b)[a-z]{{3,}}){{1,2}}"),
    ("tail", r"(?<= (?:is|by|to|in|at|of|on) )(?:the |a |an )[a-z][\w’'-]*(?: [\w’'-]+){0,4}(?=[.;,])"),
)


def find_spans(sentence: str) -> list[tuple[str, int, str]]:
    """-> (kind, start, span) of each candidate, the more telling kinds first, none inside another."""
    found: list[tuple[int, int, str]] = []
    for kind, rule in RULES:
        for match in re.finditer(rule, sentence):
            if not any(match.start() < end and start < match.end() for start, end, _ in found):
                found.append((match.start(), match.end(), kind))
    trimmed = [(kind, sentence[start:end].rstrip(" ,;:."), start) for start, end, kind in found]
    return [(kind, start, span) for kind, span, start in trimmed if span]
