"""Questions that sound like the corpus's and that it does not answer: one term of an answerable question is replaced (SQuAD 2.0's entity swap, number swap and
antonym, Rajpurkar et al., arXiv 1806.03822), and no passage shown has the new term."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.spans import find_spans
from rag.chunking import Chunk
from rag.scoring import normalize

OPPOSITES = (
    "first last", "open close", "opens closes", "opened closed", "arrive depart", "arrives departs", "maximum minimum", "highest lowest",
    "largest smallest", "most least", "north south", "east west", "northern southern", "eastern western", "summer winter", "morning evening",
    "more fewer", "longest shortest", "earliest latest", "weekday weekend", "accepted refused", "approved rejected", "bought sold",
    "allowed forbidden", "inside outside", "upper lower", "starts ends", "Monday Friday", "Tuesday Thursday", "Saturday Wednesday",
)  # fmt: skip
TITLES = {"Mr", "Mrs", "Ms", "Dr", "Miss", "Captain"}
SWAPPED, FALSE_PREMISE = "swapped", "false premise"


@dataclass(frozen=True)
class Twisted:
    """A question that has been made unanswerable. term: what was put in. kind: the row's."""

    question: str
    term: str
    kind: str


class Terms:
    """Names, dates and amounts of the corpus by what they can stand in for: a name by its head where that is a common word ("... Quay"), else by the number of
    its words; a date by its form, years within a decade; an amount by its unit."""

    def __init__(self, chunks: list[Chunk]):
        self._common = {word for chunk in chunks for word in re.findall(r"\b[a-z]{3,}\b", chunk.text)}
        found: dict[tuple, set[str]] = defaultdict(set)
        for chunk in chunks:
            for kind, _, span in find_spans(chunk.text):
                if kind in ("name", "date", "amount"):
                    found[self.slot(kind, span)].add(span)
        self._by_slot = {slot: sorted(spans) for slot, spans in found.items()}

    def slot(self, kind: str, span: str) -> tuple:
        parts = span.split()
        if kind == "name":
            return (kind, parts[-1]) if parts[-1].lower() in self._common else (kind, len(parts), parts[0].endswith("."), parts[0] in TITLES)
        if kind == "amount":
            return (kind, re.sub(r"[\d,.]+", "0", span))
        return (kind, len(parts), *(part[:3] if part.isdigit() and len(part) == 4 else part.isdigit() for part in parts))

    def others(self, kind: str, span: str) -> list[str]:
        """-> what could stand in its place: neither part of the other, and no codes nor names of a single word, of which nothing tells what they name."""
        if kind == "name" and (" " not in span or any(ch.isdigit() for ch in span)):
            return []
        spans, own = self._by_slot.get(self.slot(kind, span), []), normalize(span)
        return [other for other in spans if own not in normalize(other) and normalize(other) not in own and not (kind == "name" and re.search(r"\d", other))]


def twists(question: str, terms: Terms, rng: random.Random, most: int = 4) -> Iterator[Twisted]:
    """-> the question with one term replaced, in up to `most` ways in random order."""
    ways = []
    for kind, start, span in find_spans(question):
        others = terms.others(kind, span) if kind in ("name", "date", "amount") else []
        for other in rng.sample(others, min(2, len(others))):
            ways.append(Twisted(question[:start] + other + question[start + len(span) :], other, SWAPPED))
    for pair in OPPOSITES:
        for old, new in (pair.split(), pair.split()[::-1]):
            turned = re.sub(rf"\b{old}\b", new, question, count=1)
            if turned != question:
                ways.append(Twisted(turned, new, FALSE_PREMISE))
    yield from rng.sample(ways, min(most, len(ways)))


def stands_in(term: str, passages: list[Chunk]) -> bool:
    """Whether a passage, or the headings that it is shown under, has the term as whole words."""
    wanted = f" {normalize(term)} "
    return any(wanted in f" {normalize(' '.join((*chunk.headings, chunk.title, chunk.text)))} " for chunk in passages)
