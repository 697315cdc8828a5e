"""Spans worth asking for, by plain rules: amounts, dates, times, names, marked terms, table cells, reasons, conditions, duties, definitions."""

from __future__ import annotations

import re

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
UNITS = (
    "m/s|km/h|mph|%|per cent|percent|days?|weeks?|months?|years?|hours?|minutes?|seconds?|metres?|meters?|miles?|km|kg|kW|MW|kV|kVA|MVA|tonnes?|tons?|"
    "litres?|knots?|°C|degrees|pence|pounds|dollars|euros|people|passengers|staff|members|copies|pallets?|berths?|cm|mm|m|t|nm|bar|ppm"
)
NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|fifty"
CLOSED = (
    "and|but|for|the|now|was|are|has|had|its|may|not|per|who|from|with|after|until|more|each|were|that|since|before|ahead|out|off|away|then|when|will|"
    "least|most|such|other|others|very|into|onto|over|under|above|below|past|apart|later|earlier|only|also|long|must|should|can|means"
)
COUNTED = rf"(?!(?:{CLOSED})\b)[a-z]{{3,}}\b"
MANY = "people|men|women|children|staff|fish|feet"
CLAUSE = r"[a-z][^.;:,()\n|]{10,75}(?=[.;,:)]|$)"
RULES = (
    (
        "date",
        rf"\b\d{{1,2}} (?:{MONTHS})(?: \d{{4}})?\b|\b(?:{MONTHS}) \d{{4}}\b|(?<![\d.,:/£-])\b(?:1[5-9]|20)\d\d\b(?![/,.]\d)",
    ),
    (
        "amount",
        rf"[£$€]\d[\d,.]*\d?(?: ?(?:m|bn|million|billion)\b)?|(?<![\d.,:/-])\b\d[\d,]*(?:\.\d+)? ?(?:{UNITS})(?![\w/])",
    ),
    ("time", r"\b\d{1,2}:\d{2}\b(?: ?[ap]m)?|\b\d{1,2}(?:\.\d{2})? ?[ap]m\b"),
    ("cell", r"(?<=: )[^;:|\n]{3,40}(?=;|$)"),
    ("term", r"(?<=(?<!\*)\*)[^*\s][^*\n:]{2,40}(?=\*(?!\*))|(?<=[“\"])[^”\"\s][^”\"\n]{2,40}(?=[”\"])"),
    ("reason", rf"(?<=\bbecause )(?!of ){CLAUSE}"),
    ("condition", rf"(?:(?<=\bonly if )|(?<=\bunless )|(?<=, if )){CLAUSE}"),
    ("name", r"(?<=[a-z,)] )(?:[A-Z][\w’'-]+)(?: (?:of |the |and |de )?[A-Z][\w’'-]+){0,4}"),
    ("definition", rf"(?<= means ){CLAUSE}|(?<= is called ){CLAUSE}|(?<= is known as ){CLAUSE}"),
    ("duty", rf"(?:(?<=\bmust )|(?<=\bshould )|(?<=\bare to )){CLAUSE}"),
    (
        "number",
        rf"(?<![\d.,:/-])\b(?!one\b|1\b)(?:{NUMBERS}|\d[\d,.]*\d|\d)\b(?: {COUNTED}(?<=s)| {COUNTED} {COUNTED}(?<=s)| (?:{MANY})\b)",
    ),
    (
        "tail",
        r"(?<= (?:by|to|in|at|of|on) )(?:the |a |an )[a-z][\w’'-]*(?: (?!(?:is|are|was|were|that|which)\b)[\w’'-]+){1,3}(?=[.;,])",
    ),
)
ROW = re.compile(r"[^;:|\n]{2,40}: [^;:|\n]+(?:; [^;:|\n]{2,40}: [^;|\n]+)+")
CODE = re.compile(r"[A-Z0-9-]{1,4}")


def find_answer_spans(sentence: str) -> list[tuple[str, int, str]]:
    """-> (kind, start, span) of each candidate, the more telling kinds first, none inside another."""
    found: list[tuple[int, int, str]] = []
    in_row = ROW.search(sentence) is not None
    for kind, rule in RULES:
        if kind == "cell" and not in_row:
            continue
        for match in re.finditer(rule, sentence):
            if not any(match.start() < end and start < match.end() for start, end, _ in found):
                found.append((match.start(), match.end(), kind))
    trimmed = [(kind, start, _trimmed(kind, sentence[start:end])) for start, end, kind in found]
    return [
        (kind, start, span) for kind, start, span in trimmed if span and not (kind == "name" and CODE.fullmatch(span))
    ]


def _trimmed(kind: str, span: str) -> str:
    """Without what ends a sentence, and a name without what makes it a possessive."""
    span = span.rstrip(" ,;:.")
    return re.sub(r"(?:['’]s?)$", "", span) if kind == "name" else span
