"""Passages that contradict an answer: the same thing said with another number, date or amount, and which of the two documents is newer."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from rag.answering.grounding import Citation
from rag.answering.quantities import Quantity, find_quantities
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize
from rag.core.words import MONTH, content_words
from rag.retrieval.retriever import Passage

SHARED, ALIKE = (
    3,
    0.5,
)  # least number of words, besides the values, that both sentences have, and their share of the words that either has
KIN_SHARED, KIN_ALIKE = (
    3,
    0.4,
)  # the same between documents of one name or title, of the words of the sentence that has fewer
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
REVISION = re.compile(r"\b(?:revision|rev|version|issue|edition)\.?[ _-]*(\d{1,3})\b", re.I)
DATE = re.compile(
    rf"\b(?:(\d{{1,2}})\s+)?(?:({MONTH})\.?,?\s+(?:(\d{{1,2}}),?\s+)?)?((?:19|20)\d\d)(?:-(\d\d)(?:-(\d\d))?)?\b", re.I
)
BEGINNING = 200  # characters of a document within which a passage must start to tell its date
DATED = re.compile(
    r"(\b(?:date|dated|in force|effective|valid|issued|published|updated|revised|revision|version|edition|issue)\b[^\n.]{0,40})",
    re.I,
)


@dataclass(frozen=True)
class Conflict:
    """Two passages shown that differ. passage, says: the cited one and its words. other_passage, other_says: the other one's. document, start, end, quote:
    where the other one stands, literally. newer: which of the two is the later revision or has the later date, None where nothing tells."""

    passage: int
    says: str
    other_passage: int
    other_says: str
    document: str
    start: int
    end: int
    quote: str
    newer: int | None

    def __str__(self) -> str:
        newer = f"; [{self.newer}] is newer" if self.newer else ""
        return f"[{self.passage}] says {self.says}, [{self.other_passage}] says {self.other_says}{newer}"


def find_conflicts(text: str, citations: list[Citation], passages: list[Passage]) -> tuple[Conflict, ...]:
    """-> for the answer `text` and its first citation, the passages of other documents with a sentence that says the same of another value.

    High precision is meant, not finding all: the answer must hold one value (number with what it counts, date, time, amount); the other sentence must
    be worded alike, less so between revisions of one document, differ in no name, and hold exactly one value of that kind, which is not the quoted one's.
    """
    if not citations:
        return ()
    cited = citations[0]
    wanted = [
        value for value in find_quantities(cited.quote) if value.number in {v.number for v in find_quantities(text)}
    ]
    if len({value.number for value in wanted}) != 1 or _is_row(cited.quote):
        return ()
    own, found = passages[cited.passage - 1].chunk, []
    for number, passage in enumerate(passages, 1):
        if passage.chunk.document != cited.document and (other := _against(wanted[0], cited.quote, own, passage.chunk)):
            value, start, end = other
            chunk = passage.chunk
            newer = {1: cited.passage, -1: number}.get(_newer(own, chunk, passages))
            span = chunk.start + start, chunk.start + end
            found.append(
                Conflict(
                    cited.passage,
                    wanted[0].words,
                    number,
                    value.words,
                    chunk.document,
                    *span,
                    chunk.text[start:end],
                    newer,
                )
            )
    return tuple(found)


def _against(value: Quantity, quote: str, own: Chunk, chunk: Chunk) -> tuple[Quantity, int, int] | None:
    """-> the value that a sentence of the chunk has in place of the quote's, and where the sentence stands; None where there is none."""
    known = {(v.number, unit) for v in find_quantities(quote) for unit in v.units}
    for start, end in sentence_spans(chunk.text):
        sentence = chunk.text[start:end]
        same_kind = [v for v in find_quantities(sentence) if set(v.units) & set(value.units)]
        others = [v for v in same_kind if not any((v.number, unit) in known for unit in v.units)]
        if (
            len(others) == 1
            and value.number not in {v.number for v in same_kind}
            and _same_thing(quote, own, sentence, chunk, value.units[0])
        ):
            return others[0], start, end
    return None


def _same_thing(quote: str, own: Chunk, sentence: str, chunk: Chunk, unit: str) -> bool:
    if _is_row(sentence):
        return False
    a, b = content_words(quote) - {unit}, content_words(sentence) - {unit}
    both = len(a & b)
    kin = _series(own) == _series(chunk)
    if not (
        both >= SHARED
        and both >= ALIKE * len(a | b)
        or kin
        and both >= KIN_SHARED
        and both >= KIN_ALIKE * min(len(a), len(b))
    ):
        return False
    here, there = _names(quote), _names(sentence)
    told = {word for each in (own, chunk) for part in (each.title, *each.headings) for word in normalize(part).split()}
    return not here - there - told and not there - here - told or not here or not there


def _series(chunk: Chunk) -> frozenset[str]:
    """-> the words of the file's name, without what tells its editions apart."""
    return _without_edition(chunk.document.rpartition("/")[2].rpartition(".")[0])


def _without_edition(name: str) -> frozenset[str]:
    words = re.findall(r"[^\W\d_]+", name.lower())
    return frozenset(words) - {
        "rev",
        "revision",
        "v",
        "version",
        "issue",
        "edition",
        "draft",
        "final",
        "old",
        "new",
        "copy",
        *MONTHS,
    }


def _is_revised(a: Chunk, b: Chunk) -> bool:
    """Whether both are of editions of one document, by its file's name or its uppermost heading."""
    tops = [_without_edition((*chunk.headings, chunk.title)[0]) for chunk in (a, b)]
    return _series(a) == _series(b) or bool(tops[0]) and tops[0] == tops[1]


def _names(sentence: str) -> set[str]:
    """-> words with a capital letter that do not begin the sentence, and words with digits and letters (C3): what tells one thing from another."""
    words = re.findall(r"[^\W_][\w'’-]*", sentence)
    named = {
        normalize(word)
        for n, word in enumerate(words)
        if n and word[0].isupper() or re.search(r"\d[A-Za-z]|[A-Za-z]\d", word)
    }
    return {name for name in named if name not in ("", "i") and not re.fullmatch(MONTH, name)}


def _is_row(sentence: str) -> bool:
    """Whether it is a row of a table or record, which differs from its neighbours in a cell that nothing marks as the key."""
    return sentence.lstrip().startswith("|") or len(re.findall(r"[^\s:;]: ", sentence)) > 1 and ";" in sentence


def _newer(a: Chunk, b: Chunk, passages: list[Passage]) -> int | None:
    """-> 1 if the document of `a` is the newer one, -1 if that of `b` is, None where neither revisions of one document nor dates tell, as far
    as both are given."""
    for tell in (_revision, _date) if _is_revised(a, b) else (_date,):
        pairs = zip(tell(a, passages), tell(b, passages), strict=False)
        if differs := next(((x, y) for x, y in pairs if x != y), None):
            return 1 if differs[0] > differs[1] else -1
    return None


def _about(chunk: Chunk, passages: list[Passage]) -> list[str]:
    """-> what tells the age of a chunk's document: its file's name, title, headings, and what its beginning says of its date where that is shown."""
    begins = " ".join(
        p.chunk.text for p in passages if p.chunk.document == chunk.document and p.chunk.start < BEGINNING
    )
    return [chunk.document, chunk.title, *chunk.headings, *(found[1] for found in DATED.finditer(begins))]


def _revision(chunk: Chunk, passages: list[Passage]) -> tuple[int, ...]:
    return next(((int(found[1]),) for text in _about(chunk, passages) if (found := REVISION.search(text))), ())


def _date(chunk: Chunk, passages: list[Passage]) -> tuple[int, ...]:
    """-> (year, month, day), as far as it is given, of the first text that has a date."""
    for text in _about(chunk, passages):
        if found := DATE.search(text):
            day, month, day_after, year, other_month, other_day = found.groups()
            parts = (
                year,
                str(MONTHS.index(month[:3].lower()) + 1) if month else other_month,
                day or day_after or other_day,
            )
            return tuple(map(int, itertools.takewhile(bool, parts)))
    return ()
