"""Where the sentences of a text begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.core.abbreviations import (
    BEFORE_NUMBER,
    BEFORE_ORDINAL,
    GOES_ON,
    IN_NAMES,
    MONTHS,
    STARTERS,
    TITLES,
    UNITS,
    WITHIN,
)
from rag.core.text_blocks import text_blocks

_CLOSING = r"\"'”’“»«›)\]}*_`~」』）】》〉"
_OPENING = r"\"'“‘”„‚«»‹›(¿¡*_`~「『（【《〈"
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# A stop, what closes with it, and then either space and what may begin a sentence, or a script without spaces. The
# marks of some scripts end a sentence whatever follows, and so does a Greek question mark before a capital letter.
_STOP = re.compile(
    rf"(?P<stop>[.!?…‥]+)[{_CLOSING}]*(?:[\u00a0\u202f ][»›])?(?:\[\d{{1,3}}\])*"
    rf"(?:\s+(?P<opens>[{_OPENING}]*(?:(?<=«)\s|\[(?=\D))?)(?=[\w£$€¥₹])|(?<=[!?])(?=[{_CJK}]))"
    rf"|[。！？｡؟۔।॥։።፧။៕᠃]+[{_CLOSING}]*(?![、，）」』\u3041-\u3096])\s*"
    r"|(?<=[\u0370-\u03ff]);\s+(?=[«\u0386-\u03ab])"
)
_MARK = re.compile(r"[.!?…‥。！？｡؟۔।॥։።፧။៕᠃;]")
_WORD_BEFORE = re.compile(r"(?:[^\W_]|(?<=[^\W_])[.’-](?=[^\W_])|º|ª)+\Z")
_WORD_AFTER = re.compile(r"[^\W\d_]+")
_NUMBER_AFTER = re.compile(r"\W{0,2}(?:[^\W\d_]{0,3}[./-]?\d|[IVXLC]+\b|[A-Z]\b|N[or]\.)")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}[.-]){1,5}[^\W\d_]{1,3}")
_AFTER_HOUR = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b|[A-Z]{2,4}\b|\d")
_NO_VOWEL = re.compile(r"[B-DF-HJ-NP-TV-XZb-df-hj-np-tv-xz][b-df-hj-np-tv-xz]{1,4}")
_MARKER = re.compile(r"[\s#>*+•(\[-]*(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivx]{1,5}|[IVX]{1,5})")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence, heading, table row and line of code, without the space around it."""
    found = []
    for block in text_blocks(text):
        cuts = [block.start, *(() if block.whole else _ends(text, block.start, block.end)), block.end]
        for first, last in zip(cuts, cuts[1:], strict=False):
            piece = text[first:last]
            if piece.strip():
                start = first + len(piece) - len(piece.lstrip())
                found.append((start, start + len(piece.strip())))
    return found


def _ends(text: str, first: int, last: int) -> Iterator[int]:
    """Yield where a sentence ends, and another may begin, between `first` and `last`."""
    start = read = first
    for mark in _MARK.finditer(text, first, last):
        stop = _STOP.match(text, mark.start(), last) if mark.start() >= read else None
        if not stop:
            continue
        read = stop.end()
        end = stop.start("opens") if stop["opens"] is not None else stop.end()
        if end < last and (stop["stop"] is None or _is_end(text, start, stop, end)):
            yield end
            start = end


def _is_end(text: str, start: int, stop: re.Match[str], end: int) -> bool:
    """Return whether a sentence that began at `start` ends with this stop. end: where the next one would begin."""
    next_letter = text[stop.end() : stop.end() + 1]
    if next_letter.islower() or next_letter == "_":
        return False
    if stop["stop"] != ".":
        return text[stop.start() - 1 : stop.start()] not in ("[", "(")
    at = stop.start()
    if _MARKER.fullmatch(text, start, at):
        return False  # the number of a list item or section, and not all of a sentence
    return not _is_abbreviated(text[max(start, at - 40) : at], text[stop.end() : stop.end() + 40])


def _is_abbreviated(before: str, after: str) -> bool:
    """Return whether the full stop between `before` and `after` belongs to the last word before it."""
    *_, last, token = ["", *before.split()] if before[-1:].strip() else ["", ""]
    found = _WORD_BEFORE.search(token)
    if not found or token[: found.start()][-1:] in ("/", "°", "@", "\\"):
        return False
    word, last = found[0], last.lower().strip('("“„«')
    known = word.lower()
    if known.isdigit():
        return _is_ordinal(known, last, after)
    if known in ("a.m", "p.m"):
        return _AFTER_HOUR.match(after) is not None
    if last[-1:].isdigit() and known in UNITS:
        return after[0].isdigit()  # 5 ft. 3 in.
    if known in GOES_ON or known in TITLES or _counts(known) and _is_number(after, word):
        return True
    return (known in WITHIN or _looks_abbreviated(word, after)) and not _begins_sentence(after, len(word) == 1)


def _is_ordinal(number: str, last: str, after: str) -> bool:
    """Return whether a German ordinal, such as "3." before "Oktober", ends before `after`. last: the word before it."""
    found = _WORD_AFTER.match(after)
    if not found or len(number) > 2:
        return False
    return found[0].lower() in MONTHS or last in BEFORE_ORDINAL and not _begins_sentence(after, in_name=False)


def _counts(word: str) -> bool:
    return word in BEFORE_NUMBER or word.endswith("str")  # Bachstr. 5


def _is_number(after: str, word: str) -> bool:
    article = after[:2] in ("A ", "I ") and word.islower()
    return not article and _NUMBER_AFTER.match(after) is not None


def _looks_abbreviated(word: str, after: str) -> bool:
    """Return whether the word looks like one cut short: J, J.R, Ph.D, Bldg."""
    if len(word) == 1:
        return word.islower() or word.isupper() and not after[0].isdigit()
    if _DOTTED.fullmatch(word):
        return not after[0].isdigit()
    return _NO_VOWEL.fullmatch(word) is not None


def _begins_sentence(after: str, in_name: bool) -> bool:
    """Return whether the text begins with a word that often begins a sentence. in_name: or might go on with a name."""
    found = _WORD_AFTER.match(after)
    if not found or after[found.end() : found.end() + 1] == ".":  # another initial
        return False
    word = found[0].lower()
    return word in STARTERS and not (in_name and word in IN_NAMES)
