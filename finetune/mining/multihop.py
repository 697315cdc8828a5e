"""Questions over two passages: in a question about one, a name is replaced by what another says of it, so that one passage tells which is meant and the other
what is asked (facts joined by an entity: HotpotQA, Yang et al., arXiv 1809.09600; MuSiQue, Trivedi et al., arXiv 2108.00573)."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.mining.answer_spans import ROW, find_answer_spans
from finetune.mining.cloze import LEANING, cloze_question
from finetune.mining.filters import content
from finetune.mining.question_prompt import Candidate, candidate
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize

MULTIHOP = "joined"  # the kind of such a row
FEWEST = 3  # content words, with fewer of which a description says too little to tell one thing from others
KNOWN = 0.5  # share of a description's content words from which on a passage tells by itself which is meant
LONGEST = 35  # words of a joined question
NAME = r"(?P<name>[A-Z][\w’'-]+(?: (?:of |the |and |de )?[A-Z][\w’'-]+){0,4}(?<!['’]s))"
OBJECT = r"(?:(?:an?|the|its|his|her|their|each|every|all|no|that|not|only|up|out|on|in|at|to|from|over|for|with|by|as|about|what|who|how)\b|\d|[£$€])"
NO_VERB = r"(?:as|its|this|his|hers|ours|yours|theirs|towards|besides|afterwards)\b"
VERB = rf"(?!{NO_VERB})(?:was|is|were|are|has|had|will|may|can|must|became|[a-z]{{2,}}ed|[a-z]{{2,}}s(?= {OBJECT}))"  # not "numbers fell": a plural noun
SAID = r"(?:[^.;:,()\n|]|[.:,](?=\d)){12,90}?(?=[.;:,)](?!\d)| \(|$)"
FOLLOWS = rf"(?=[?.,;:]|$| (?:{VERB}|and|or|in|on|at|by|to|of|for|from|with|within|before|after|until|who|which|that|when|where|what|how)\b)"
WITHIN = re.compile(rf"[a-z,(]\s+(?:[Tt]he )?{NAME}\b(?!['’])")
SAYS = (
    re.compile(rf"^[*_\s]*(?:The )?{NAME}[*_]* (?P<said>{VERB} {SAID})"),
    re.compile(rf"{NAME}[*_]*, (?P<said>(?:who|which) {VERB} {SAID})"),
)


@dataclass(frozen=True)
class Description:
    """What a chunk (its position) says of a name, as a clause that begins with its verb, "who" or "which"."""

    chunk: int
    name: str
    said: str


@dataclass(frozen=True)
class MultihopQuestion:
    """A question about `spot` that names something, and the same that describes it by another chunk instead."""

    spot: Candidate
    plain: str
    question: str
    by: Description


def describe(chunks: list[Chunk]) -> dict[str, list[Description]]:
    """-> by name, what chunks say of it."""
    found: dict[str, list[Description]] = defaultdict(list)
    for position, chunk in enumerate(chunks):
        for first, last in sentence_spans(chunk.text):
            text = " ".join(chunk.text[first:last].split())
            for match in (match for rule in SAYS for match in rule.finditer(text)):
                if not LEANING.search(match["said"]) and len(content(match["said"])) >= FEWEST:
                    found[match["name"]].append(Description(position, match["name"], match["said"]))
    within, small = _seen(chunks)
    return {name: described for name, described in found.items() if name in within and name.lower() not in small}


def _seen(chunks: list[Chunk]) -> tuple[set[str], set[str]]:
    """-> names that have their capital within sentences, too, with what longer ones begin with, and the words that stand in small letters."""
    within, small = set(), set()
    for chunk in chunks:
        small.update(re.findall(r"\b[a-z][\w’'-]*", chunk.text))
        for match in WITHIN.finditer(chunk.text):
            parts = match["name"].split(" ")
            within.update(" ".join(parts[:n]) for n in range(1, len(parts) + 1))
    return within, small


def multihop_questions(chunks: list[Chunk], rng: random.Random) -> Iterator[MultihopQuestion]:
    """-> in random order all that can be made, from sentences of the chunks and descriptions in other chunks."""
    described = describe(chunks)
    nouns = {word for chunk in chunks for word in re.findall(r"\b(?:an?|the) (?:[a-z]+ )?([a-z]{3,})\b", chunk.text)}
    by_word: dict[str, list[str]] = defaultdict(list)
    for name in described:
        by_word[re.split(r"\W", name)[0]].append(name)
    spots = [(spot, name) for position, chunk in enumerate(chunks) for spot, name in _spots(position, chunk, by_word)]
    for spot, name in rng.sample(spots, len(spots)):
        plain = cloze_question(spot)
        others = [d for d in described[name] if d.chunk != spot.chunk]
        if plain and others:
            by = rng.choice(others)
            if question := _replaced(plain, by, nouns):
                yield MultihopQuestion(spot, plain, question, by)


def _spots(position: int, chunk: Chunk, by_word: dict[str, list[str]]) -> Iterator[tuple[Candidate, str]]:
    """-> the spans that stand beside a described name in a sentence, and the name. by_word: described names by their first word."""
    for first, last in sentence_spans(chunk.text):
        text = chunk.text[first:last]
        if ROW.search(text):
            continue
        for name in (
            name
            for word in dict.fromkeys(re.findall(r"\b[A-Z]\w*", text))
            for name in by_word.get(word, ())
            if name in text
        ):
            for kind, start, span in find_answer_spans(text):
                if name not in span and span not in name:
                    yield candidate(position, chunk, (first, last), first + start, span, kind), name


def _replaced(question: str, by: Description, nouns: set[str]) -> str | None:
    """-> the question with the name's description in its place, None where the name is not there whole, or more than once."""
    name = re.escape(by.name)
    whole = rf"(?<![\w’'-])(?<!, )(?<!\bor )(?:[Tt]he )?{name}(?![\w’'-]|(?: of| de)? [A-Z]){FOLLOWS}"
    if len(re.findall(name, question)) != 1 or re.search(rf"[A-Z][\w’'-]* {name}", re.sub(r"^The ", "the ", question)):
        return None
    kind = by.name.split()[-1].lower()
    said = re.sub("^(?:who|which) ", "", by.said)
    joined, times = re.subn(whole, f"the {kind if ' ' in by.name and kind in nouns else 'one'} that {said}", question)
    return joined[0].upper() + joined[1:] if times and len(joined.split()) <= LONGEST else None


def one_is_enough(made: MultihopQuestion, home: Chunk, other: Chunk) -> str | None:
    """Both passages must be needed: the one with the answer must not tell by itself which is meant, the other must not have the answer."""
    said = content(made.by.said)
    if len(said & content(" ".join((*home.headings, home.text)))) > KNOWN * len(said):
        return "its passage alone tells which is meant"
    return "the other passage has the answer too" if normalize(made.spot.span) in normalize(other.text) else None
