"""Answer spans: text worth asking for, found by rules for amounts, dates, times, names, terms, clauses and cells."""

from __future__ import annotations

import re

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
UNITS = (
    "m/s|km/h|mph|%|per cent|percent|days?|weeks?|months?|years?|hours?|minutes?|seconds?|metres?|meters?|miles?"
    "|km|kg|kW|MW|kV|kVA|MVA|tonnes?|tons?|litres?|knots?|°C|degrees|pence|pounds|dollars|euros|people|passengers"
    "|staff|members|copies|pallets?|berths?|cm|mm|m|t|nm|bar|ppm"
)
NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|fifty"
# Words that no noun phrase begins with, so that "four and" counts nothing.
FUNCTION_WORDS = (
    "and|but|for|the|now|was|are|has|had|its|may|not|per|who|from|with|after|until|more|each|were|that|since|before"
    "|ahead|out|off|away|then|when|will|least|most|such|other|others|very|into|onto|over|under|above|below|past|apart"
    "|later|earlier|only|also|long|must|should|can|means"
)
NOUN = rf"(?!(?:{FUNCTION_WORDS})\b)[a-z]{{3,}}\b"
UNMARKED_PLURALS = "people|men|women|children|staff|fish|feet"
CLAUSE = r"[a-z][^.;:,()\n|]{10,75}(?=[.;,:)]|$)"
NAME = r"[A-Z][\w’'-]+(?: (?:of |the |and |de )?[A-Z][\w’'-]+){0,4}"  # "Nan Stobbs", "Mole Light", "Bay of Ebb"
KINDS = {  # kinds of spans and their patterns, those that make the better questions first
    # "3 March 2025", "March 2025", "1987"
    "date": (
        rf"\b\d{{1,2}} (?:{MONTHS})(?: \d{{4}})?\b|\b(?:{MONTHS}) \d{{4}}\b"
        r"|(?<![\d.,:/£-])\b(?:1[5-9]|20)\d\d\b(?![/,.]\d)"
    ),
    # "£1,250", "€3 million", "14 days", "1.60 m"
    "amount": (
        r"[£$€]\d[\d,.]*\d?(?: ?(?:m|bn|million|billion)\b)?"
        rf"|(?<![\d.,:/-])\b\d[\d,]*(?:\.\d+)? ?(?:{UNITS})(?![\w/])"
    ),
    # "17:30", "9.15 am"
    "time": r"\b\d{1,2}:\d{2}\b(?: ?[ap]m)?|\b\d{1,2}(?:\.\d{2})? ?[ap]m\b",
    # "Motorcycle" in "Ticket: Motorcycle; Single: £9.90"
    "cell": r"(?<=: )[^;:|\n]{3,40}(?=;|$)",
    # "Confirm load" in "Press *Confirm load*", and what stands between quotation marks
    "term": r"(?<=(?<!\*)\*)[^*\s][^*\n:]{2,40}(?=\*(?!\*))|(?<=[“\"])[^”\"\s][^”\"\n]{2,40}(?=[”\"])",
    # "the joint had leaked" after "because", and so on
    "reason": rf"(?<=\bbecause )(?!of ){CLAUSE}",
    "condition": rf"(?:(?<=\bonly if )|(?<=\bunless )|(?<=, if )){CLAUSE}",
    "name": rf"(?<=[a-z,)] ){NAME}",
    "definition": rf"(?<= means ){CLAUSE}|(?<= is called ){CLAUSE}|(?<= is known as ){CLAUSE}",
    "duty": rf"(?:(?<=\bmust )|(?<=\bshould )|(?<=\bare to )){CLAUSE}",
    # "five binders", "two formal warnings", "12 men"
    "number": (
        rf"(?<![\d.,:/-])\b(?!one\b|1\b)(?:{NUMBERS}|\d[\d,.]*\d|\d)\b"
        rf"(?: {NOUN}(?<=s)| {NOUN} {NOUN}(?<=s)| (?:{UNMARKED_PLURALS})\b)"
    ),
    # a phrase that ends a clause: "the blue drawer" in "kept in the blue drawer."
    "tail": (
        r"(?<= (?:by|to|in|at|of|on) )(?:the |a |an )[a-z][\w’'-]*"
        r"(?: (?!(?:is|are|was|were|that|which)\b)[\w’'-]+){1,3}(?=[.;,])"
    ),
}
TABLE_ROW = re.compile(r"[^;:|\n]{2,40}: [^;:|\n]+(?:; [^;:|\n]{2,40}: [^;|\n]+)+")  # "Ticket: Car; Single: £9"
CODE = re.compile(r"[A-Z0-9-]{1,4}")  # "A1", "TQ2": no name to ask for


def find_answer_spans(sentence: str) -> list[tuple[str, int, str]]:
    """Return (kind, start, span) of each answer span, none inside another.

    Kinds that make the better questions come first.
    """
    found: list[tuple[int, int, str]] = []
    in_row = TABLE_ROW.search(sentence) is not None
    for kind, pattern in KINDS.items():
        if kind == "cell" and not in_row:
            continue
        for match in re.finditer(pattern, sentence):
            if not any(match.start() < end and start < match.end() for start, end, _ in found):
                found.append((match.start(), match.end(), kind))
    spans = [(kind, start, _trim(kind, sentence[start:end])) for start, end, kind in found]
    return [
        (kind, start, span) for kind, start, span in spans if span and not (kind == "name" and CODE.fullmatch(span))
    ]


def _trim(kind: str, span: str) -> str:
    """Remove what ends the sentence, and the possessive ending of a name."""
    span = span.rstrip(" ,;:.")
    return re.sub(r"(?:['’]s?)$", "", span) if kind == "name" else span
