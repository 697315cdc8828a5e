"""Questions that sound like the corpus's and that it does not answer: in an answerable question one name, date, amount or qualifier is replaced by another of
the corpus (SQuAD 2.0's entity swap, number swap and antonym, Rajpurkar et al., arXiv 1806.03822), which stands in none of the passages shown with it."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.mining.answer_spans import find_answer_spans
from rag.core.chunk import Chunk
from rag.core.text_metrics import normalize
from rag.core.words import STOPWORDS

SWAPPED = "swapped"  # the kind of such a row
KINDS = ("name", "date", "amount")
# What tells one thing from its like. Verbs and measures are left out: "when does it close" is answered by opening hours.
QUALIFIERS = ("north south east west", "northern southern eastern western", "inner outer", "upper lower", "summer winter", "spring autumn", "inward outward",
              "Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "first second third")  # fmt: skip
# Words before a noun that tell no kind of it, and words after one that are no nouns.
VAGUE = frozenset(
    """back big certain current different earlier eastern few first following former full given good great last late later little long main more most new
    next normal northern old only other own particular proper right same second short single small southern such third time usual very way western whole
    without wrong""".split()
)
PHRASE = re.compile(
    r"\b(?:a|an|the|each|every|any|no|its|their|our|your|his|her|per)\s+([a-z]{3,})\s+([a-z]{3,})\b", re.I
)
TITLES = frozenset(("Mr", "Mrs", "Ms", "Miss", "Dr", "Captain", "Councillor"))
# Before a number that is a limit: what holds for more than 12 m holds for 15 m as well.
LIMIT = re.compile(
    r"\b(?:over|under|above|below|than|to|least|most|within|between|and|from|until|by|after|before|exceeds?|every|about)\s*$",
    re.I,
)


@dataclass(frozen=True)
class SwappedQuestion:
    """A question made unanswerable. term: what was put in."""

    question: str
    term: str


class Terms:
    """Names, dates and amounts of the corpus, by what they can stand in for: a name by its last word where the corpus has that in small letters too
    ("... Quay"), else by its number of words and title; a date by its form and decade; an amount by its unit and length. And the words that stand between an
    article and a noun: "the inner door", "an outer door"."""

    def __init__(self, chunks: list[Chunk]):
        self._common = {word for chunk in chunks for word in re.findall(r"\b[a-z]{2,}\b", chunk.text)}
        nouns = {word for chunk in chunks for word in re.findall(r"\b(?:[Aa]n?|[Tt]he) ([a-z]{3,})\b", chunk.text)}
        found: dict[tuple, set[str]] = defaultdict(set)
        for chunk in chunks:
            for kind, _, span in find_answer_spans(chunk.text):
                if kind in KINDS:
                    found[self._slot(kind, span)].add(" ".join(span.split()))
            for before, noun in PHRASE.findall(chunk.text):
                if (
                    re.fullmatch(r"[a-z]+(?<!est)(?<!s)(?<!ing)", before)
                    and noun in nouns
                    and not {before, noun} & (STOPWORDS | VAGUE)
                ):
                    found["before", noun].add(before)
        self._by_slot = {slot: sorted(spans) for slot, spans in found.items()}

    def _slot(self, kind: str, span: str) -> tuple:
        parts = span.split()
        if kind == "name":
            return (kind, parts[-1]) if parts[-1].lower() in self._common else (kind, len(parts), parts[0] in TITLES)
        if kind == "amount":
            return (kind, re.sub(r"\d", "0", span))
        return (kind, *(part[:-1] if part[0].isdigit() else "month" for part in parts))

    def others(self, kind: str, span: str) -> list[str]:
        """-> what could stand in its place, neither part of the other. None for names of one word or with a digit, of which nothing tells what they name."""
        if kind not in KINDS or kind == "name" and not _tells(span):
            return []
        own, alike = normalize(span), self._by_slot.get(self._slot(kind, span), [])
        return [
            other
            for other in alike
            if own not in normalize(other) and normalize(other) not in own and (kind != "name" or _tells(other))
        ]

    def before(self, noun: str) -> list[str]:
        """-> the words that the corpus puts before the noun to tell its kinds apart."""
        return self._by_slot.get(("before", noun), [])


def _tells(name: str) -> bool:
    return " " in name and not re.search(r"[\d\n]| (?:the|and) |['’]s ", name)


def swaps(question: str, passage: Chunk, terms: Terms, rng: random.Random, most: int = 6) -> Iterator[SwappedQuestion]:
    """-> the question with one term replaced, in up to `most` ways in random order. passage: what answers it, which must have the old term."""
    ways = []
    for kind, start, old in find_answer_spans(question):
        if stands_in(old, [passage]) and not (kind == "amount" and is_limit(old, f"{question}\n{passage.text}")):
            others = terms.others(kind, old)
            ways += [
                SwappedQuestion(question[:start] + new + question[start + len(old) :], new)
                for new in rng.sample(others, min(3, len(others)))
            ]
    for first, noun in re.findall(r"\b([a-z]{3,})(?= ([a-z]{3,})\b)", question):
        alike = terms.before(noun)
        if first in alike and stands_in(f"{first} {noun}", [passage]):
            others = [word for word in alike if word != first]
            ways += [
                SwappedQuestion(question.replace(f"{first} {noun}", f"{new} {noun}"), new)
                for new in rng.sample(others, min(3, len(others)))
            ]
    for alike in map(str.split, QUALIFIERS):
        for old in alike:
            if re.search(rf"\b{old}\b", question) and stands_in(old, [passage]):
                ways += [SwappedQuestion(re.sub(rf"\b{old}\b", new, question), new) for new in alike if new != old]
    yield from rng.sample(ways, min(most, len(ways)))


def is_limit(number: str, text: str) -> bool:
    """Whether the text has the number as one end of a range."""
    return any(LIMIT.search(text[: match.start()]) for match in re.finditer(re.escape(number), text))


def stands_in(term: str, passages: list[Chunk]) -> bool:
    """Whether a passage, or the headings that it is shown under, has the term as whole words."""
    wanted = f" {normalize(term)} "
    return any(wanted in f" {normalize(' '.join((*chunk.headings, chunk.title, chunk.text)))} " for chunk in passages)
