"""Unanswerable questions by a swap: a name, date, amount or qualifier of an answerable question is replaced.

The new one is the corpus's too, so that the question sounds like its others, and stands in none of the passages shown
with it (as crowd workers made them for SQuAD 2.0: Rajpurkar et al., 2018, arXiv 1806.03822).
"""

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

SWAPPED_KINDS = ("name", "date", "amount")
MAX_SWAPS = 6  # tried for one question
MAX_TERMS = 3  # put in the place of one term
# Words that tell one thing from its like. Verbs and measures are left out: "when does it close" is answered by opening
# hours.
QUALIFIERS = tuple(
    line.split()
    for line in (
        "north south east west",
        "northern southern eastern western",
        "inner outer",
        "upper lower",
        "summer winter",
        "spring autumn",
        "inward outward",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "first second third",
    )
)
# Words before a noun that tell no kind of it, and words after one that are no nouns.
VAGUE = frozenset(
    """back big certain current different earlier eastern few first following former full given good great last late
    later little long main more most new next normal northern old only other own particular proper right same second
    short single small southern such third time usual very way western whole without wrong""".split()
)
# A word between an article and a noun: "the inner door".
PHRASE = re.compile(
    r"\b(?:a|an|the|each|every|any|no|its|their|our|your|his|her|per)\s+([a-z]{3,})\s+([a-z]{3,})\b", re.I
)
# A word that can qualify a noun: "inner"; no superlative, plural or participle.
PLAIN_WORD = re.compile(r"[a-z]+(?<!est)(?<!s)(?<!ing)")
TITLES = frozenset(("Mr", "Mrs", "Ms", "Miss", "Dr", "Captain", "Councillor"))
# Words before a number that is a limit: what holds for more than 12 m holds for 15 m as well.
LIMIT_BEFORE = re.compile(
    r"\b(?:over|under|above|below|than|to|least|most|within|between|and|from|until|by|after|before|exceeds?|every|about)"
    r"\s*$",
    re.I,
)


@dataclass(frozen=True)
class SwappedQuestion:
    """A question in which a term was swapped. term: the new one."""

    question: str
    term: str


class Terms:
    """The terms of a corpus that can stand in each other's place.

    Names can where they share a last word that the corpus also has in small letters ("... Quay"), else where they have
    as many words and both or neither a title; dates of one form and decade; amounts of one unit and length; words
    between an article and the same noun: "the inner door", "an outer door".
    """

    def __init__(self, chunks: list[Chunk]):
        self._lower_case = {word for chunk in chunks for word in re.findall(r"\b[a-z]{2,}\b", chunk.text)}
        nouns = {word for chunk in chunks for word in re.findall(r"\b(?:[Aa]n?|[Tt]he) ([a-z]{3,})\b", chunk.text)}
        found: dict[tuple[object, ...], set[str]] = defaultdict(set)
        for chunk in chunks:
            for kind, _, span in find_answer_spans(chunk.text):
                if kind in SWAPPED_KINDS:
                    found[self._group(kind, span)].add(" ".join(span.split()))
            for word, noun in PHRASE.findall(chunk.text):
                vague = {word, noun} & (STOPWORDS | VAGUE)
                if PLAIN_WORD.fullmatch(word) and noun in nouns and not vague:
                    found["before", noun].add(word)
        self._by_group = {group: sorted(terms) for group, terms in found.items()}

    def _group(self, kind: str, span: str) -> tuple[object, ...]:
        parts = span.split()
        if kind == "name":
            common = parts[-1].lower() in self._lower_case
            return (kind, parts[-1]) if common else (kind, len(parts), parts[0] in TITLES)
        if kind == "amount":
            return (kind, re.sub(r"\d", "0", span))
        return (kind, *(part[:-1] if part[0].isdigit() else "month" for part in parts))

    def others(self, kind: str, span: str) -> list[str]:
        """Return what could stand in the span's place, neither part of the other.

        There is nothing for names of one word or with a digit, since nothing tells what they name.
        """
        if kind not in SWAPPED_KINDS or kind == "name" and not _is_telling(span):
            return []
        own, group = normalize(span), self._by_group.get(self._group(kind, span), [])
        apart = [term for term in group if own not in normalize(term) and normalize(term) not in own]
        return [term for term in apart if kind != "name" or _is_telling(term)]

    def before(self, noun: str) -> list[str]:
        """Return the words that the corpus puts before a noun to tell its kinds apart."""
        return self._by_group.get(("before", noun), [])


def _is_telling(name: str) -> bool:
    return " " in name and not re.search(r"[\d\n]| (?:the|and) |['’]s ", name)


def swap_terms(question: str, passage: Chunk, terms: Terms, rng: random.Random) -> Iterator[SwappedQuestion]:
    """Yield the question with one term replaced, in up to MAX_SWAPS ways, in random order.

    passage: what answers the question, which must have the old term.
    """
    swaps = [
        *_swap_spans(question, passage, terms, rng),
        *_swap_words_before_nouns(question, passage, terms, rng),
        *_swap_qualifiers(question, passage),
    ]
    yield from rng.sample(swaps, min(MAX_SWAPS, len(swaps)))


def _swap_spans(question: str, passage: Chunk, terms: Terms, rng: random.Random) -> Iterator[SwappedQuestion]:
    for kind, start, old in find_answer_spans(question):
        limit = kind == "amount" and is_limit(old, f"{question}\n{passage.text}")
        if stands_in(old, [passage]) and not limit:
            others = terms.others(kind, old)
            for new in rng.sample(others, min(MAX_TERMS, len(others))):
                yield SwappedQuestion(question[:start] + new + question[start + len(old) :], new)


def _swap_words_before_nouns(
    question: str, passage: Chunk, terms: Terms, rng: random.Random
) -> Iterator[SwappedQuestion]:
    for word, noun in re.findall(r"\b([a-z]{3,})(?= ([a-z]{3,})\b)", question):
        known = terms.before(noun)
        if word in known and stands_in(f"{word} {noun}", [passage]):
            others = [other for other in known if other != word]
            for new in rng.sample(others, min(MAX_TERMS, len(others))):
                yield SwappedQuestion(question.replace(f"{word} {noun}", f"{new} {noun}"), new)


def _swap_qualifiers(question: str, passage: Chunk) -> Iterator[SwappedQuestion]:
    for group in QUALIFIERS:
        for old in group:
            if re.search(rf"\b{old}\b", question) and stands_in(old, [passage]):
                for new in group:
                    if new != old:
                        yield SwappedQuestion(re.sub(rf"\b{old}\b", new, question), new)


def is_limit(number: str, text: str) -> bool:
    """Return whether the text has the number as one end of a range."""
    return any(LIMIT_BEFORE.search(text[: match.start()]) for match in re.finditer(re.escape(number), text))


def stands_in(term: str, passages: list[Chunk]) -> bool:
    """Return whether a passage, or the headings that it is shown under, has the term as whole words."""
    wanted = f" {normalize(term)} "
    return any(wanted in f" {normalize(' '.join((*chunk.headings, chunk.title, chunk.text)))} " for chunk in passages)
