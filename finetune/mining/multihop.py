"""Multi-hop questions: in a question about one passage, a name is replaced by what another passage says of it.

One passage then tells what is meant, the other what is asked (facts joined by an entity: HotpotQA, Yang et al., 2018,
arXiv 1809.09600; MuSiQue, Trivedi et al., 2022, arXiv 2108.00573).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.mining.answer_spans import NAME, TABLE_ROW, find_answer_spans
from finetune.mining.candidates import Candidate
from finetune.mining.cloze import cloze_question
from finetune.mining.cloze_patterns import REFERRING
from finetune.mining.filters import query_terms
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize

MIN_TERMS = 3  # with fewer terms, a description fits other things too
MAX_KNOWN = 0.5  # share of a description's terms from which on a passage tells by itself which thing is meant
MAX_WORDS = 35  # of a multi-hop question
GROUPED_NAME = rf"(?P<name>{NAME}(?<!['’]s))"
# What follows a verb, but not a plural noun: "keeps the", "costs £", not the "numbers fell" of "Halyard numbers fell".
OBJECT = (
    r"(?:(?:an?|the|its|his|her|their|each|every|all|no|that|not|only|up|out|on|in|at|to|from|over|for|with|by|as|about"
    r"|what|who|how)\b|\d|[£$€])"
)
NOT_A_VERB = r"(?:as|its|this|his|hers|ours|yours|theirs|towards|besides|afterwards)\b"
VERB = (
    rf"(?!{NOT_A_VERB})(?:was|is|were|are|has|had|will|may|can|must|became|[a-z]{{2,}}ed"
    rf"|[a-z]{{2,}}s(?= {OBJECT}))"
)
REST_OF_CLAUSE = r"(?:[^.;:,()\n|]|[.:,](?=\d)){12,90}?(?=[.;:,)](?!\d)| \(|$)"
DESCRIPTIONS = (
    # "Nan Stobbs keeps the keys of the west store."
    re.compile(rf"^[*_\s]*(?:The )?{GROUPED_NAME}[*_]* (?P<description>{VERB} {REST_OF_CLAUSE})"),
    # "They asked Nan Stobbs, who marked the inscribed stones of 1884."
    re.compile(rf"{GROUPED_NAME}[*_]*, (?P<description>(?:who|which) {VERB} {REST_OF_CLAUSE})"),
)
# A name that is not at the start of its sentence, where any word has a capital: "Ask Nan Stobbs", not "Parcels arrive".
NAME_WITHIN = re.compile(rf"[a-z,(]\s+(?:[Tt]he )?{GROUPED_NAME}\b(?!['’])")
# What may follow a name that stands whole: "the Mole Light at ...", not "the Mole Light tower".
AFTER_NAME = (
    rf"(?=[?.,;:]|$| (?:{VERB}|and|or|in|on|at|by|to|of|for|from|with|within|before|after|until|who|which|that|when"
    r"|where|what|how)\b)"
)


@dataclass(frozen=True)
class Description:
    """What a passage says of a name, as a clause that begins with its verb, "who" or "which"."""

    chunk: Chunk
    name: str
    text: str


@dataclass(frozen=True)
class MultihopQuestion:
    """A question about a candidate in which a name is replaced by its description. plain: the question before that."""

    candidate: Candidate
    plain: str
    question: str
    description: Description


def find_descriptions(chunks: list[Chunk]) -> dict[str, list[Description]]:
    """Return what passages say of names, by name."""
    found: dict[str, list[Description]] = defaultdict(list)
    for chunk in chunks:
        for first, last in sentence_spans(chunk.text):
            sentence = " ".join(chunk.text[first:last].split())
            for match in (match for pattern in DESCRIPTIONS for match in pattern.finditer(sentence)):
                text = match["description"]
                if not REFERRING.search(text) and len(query_terms(text)) >= MIN_TERMS:
                    found[match["name"]].append(Description(chunk, match["name"], text))
    names, lower_case = _names_and_words(chunks)
    return {name: texts for name, texts in found.items() if name in names and name.lower() not in lower_case}


def _names_and_words(chunks: list[Chunk]) -> tuple[set[str], set[str]]:
    """Return names that have their capitals within sentences too, with their beginnings, and all lower-case words."""
    names: set[str] = set()
    words: set[str] = set()
    for chunk in chunks:
        words.update(re.findall(r"\b[a-z][\w’'-]*", chunk.text))
        for match in NAME_WITHIN.finditer(chunk.text):
            parts = match["name"].split(" ")
            names.update(" ".join(parts[:count]) for count in range(1, len(parts) + 1))
    return names, words


def multihop_questions(chunks: list[Chunk], rng: random.Random) -> Iterator[MultihopQuestion]:
    """Yield, in random order, all questions from sentences of one passage and descriptions in others."""
    descriptions = find_descriptions(chunks)
    nouns = {word for chunk in chunks for word in re.findall(r"\b(?:an?|the) (?:[a-z]+ )?([a-z]{3,})\b", chunk.text)}
    by_first_word: dict[str, list[str]] = defaultdict(list)
    for name in descriptions:
        by_first_word[re.split(r"\W", name)[0]].append(name)
    found = [pair for chunk in chunks for pair in _candidates_beside_names(chunk, by_first_word)]
    for candidate, name in rng.sample(found, len(found)):
        plain = cloze_question(candidate)
        others = [described for described in descriptions[name] if described.chunk != candidate.chunk]
        if plain and others:
            description = rng.choice(others)
            if question := _replace_name(plain, description, nouns):
                yield MultihopQuestion(candidate, plain, question, description)


def _candidates_beside_names(chunk: Chunk, by_first_word: dict[str, list[str]]) -> Iterator[tuple[Candidate, str]]:
    """Yield each answer span that stands beside a described name in a sentence, with the name."""
    for first, last in sentence_spans(chunk.text):
        sentence = chunk.text[first:last]
        if TABLE_ROW.search(sentence):
            continue
        words = dict.fromkeys(re.findall(r"\b[A-Z]\w*", sentence))
        names = [name for word in words for name in by_first_word.get(word, ()) if name in sentence]
        spans = find_answer_spans(sentence) if names else []
        for name in names:
            for kind, start, span in spans:
                if name not in span and span not in name:
                    yield Candidate(chunk, (first, last), first + start, span, kind), name


def _replace_name(question: str, description: Description, nouns: set[str]) -> str | None:
    """Put the description in the name's place; None where the name is not there whole, or more than once."""
    name = re.escape(description.name)
    whole = rf"(?<![\w’'-])(?<!, )(?<!\bor )(?:[Tt]he )?{name}(?![\w’'-]|(?: of| de)? [A-Z]){AFTER_NAME}"
    if len(re.findall(name, question)) != 1 or re.search(rf"[A-Z][\w’'-]* {name}", re.sub(r"^The ", "the ", question)):
        return None
    last_word = description.name.split()[-1].lower()
    thing = last_word if " " in description.name and last_word in nouns else "one"
    text = re.sub("^(?:who|which) ", "", description.text)
    replaced, times = re.subn(whole, f"the {thing} that {text}", question)
    return replaced[0].upper() + replaced[1:] if times and len(replaced.split()) <= MAX_WORDS else None


def one_is_enough(made: MultihopQuestion) -> str | None:
    """Tell why one of the two passages suffices, None where both are needed.

    The passage with the answer must not tell by itself what is meant, and the other one must not have the answer.
    """
    home, other = made.candidate.chunk, made.description.chunk
    terms = query_terms(made.description.text)
    if len(terms & query_terms(" ".join((*home.headings, home.text)))) > MAX_KNOWN * len(terms):
        return "its passage alone tells which is meant"
    return "the other passage has the answer too" if normalize(made.candidate.span) in normalize(other.text) else None
