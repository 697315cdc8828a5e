"""The question writer: the base model, shown a few examples, asks for a span of a sentence; and the plain rules that reject bad questions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.chunking import Chunk
from rag.generator import Generator
from rag.lexical import STOPWORDS, words
from rag.prompt import plain_ids
from rag.scoring import normalize

SHOTS = (  # headings, sentence with the span marked, span, question
    (
        "Tea Rooms > Opening",
        "From May the tea rooms stay open until <<18:30>> on Saturdays.",
        "18:30",
        "Until what time are the tea rooms open on Saturdays from May?",
    ),
    (
        "Choir Rules > Fees",
        "New singers pay a joining fee of <<£15>>, returned after a year.",
        "£15",
        "How much is the joining fee for new singers in the choir?",
    ),
    (
        "Bridge Survey",
        "The northern pier was rebuilt by <<Tomas Arlen>> after the flood of 1954.",
        "Tomas Arlen",
        "Who rebuilt the northern pier of the bridge?",
    ),
    (
        "Seed Store Manual > Sorting",
        "Seeds with a cracked coat are kept in <<the blue drawer>>.",
        "the blue drawer",
        "Where are seeds with a cracked coat kept?",
    ),
    (
        "Workshop Notice",
        "Visitors must wear goggles because <<the lathe throws hot chips>>.",
        "the lathe throws hot chips",
        "Why do visitors to the workshop have to wear goggles?",
    ),
)


@dataclass(frozen=True)
class Candidate:
    """A span to ask for. text: the sentence it stands in, with the span between << and >>. chunk: its chunk's position among all."""

    chunk: int
    headings: str
    text: str
    span: str
    kind: str


def candidate(position: int, chunk: Chunk, sentence: tuple[int, int], start: int, span: str, kind: str) -> Candidate:
    """sentence: its start and end, start: the span's start, all in the chunk's text."""
    end = start + len(span)
    marked = f"{chunk.text[sentence[0] : start]}<<{span}>>{chunk.text[end : sentence[1]]}"
    return Candidate(position, " > ".join(chunk.headings or (chunk.title,)), marked, span, kind)


def ask_for(headings: str, text: str, span: str) -> str:
    """-> the writer's prompt, up to where the question begins."""
    return f"Text: {headings}: {_flat(text)}\nAnswer: {_flat(span)}\nQuestion:"


def write_questions(generator: Generator, candidates: list[Candidate]) -> list[str]:
    """-> one question a candidate, as the model wrote it: from the prompt alone by a trained writer, after a few examples by a base model."""
    tokenizer = generator.tokenizer
    newline = tokenizer("\n", add_special_tokens=False)["input_ids"][-1]
    shots = "" if generator.adapter else _shots()
    texts = [shots + ask_for(c.headings, c.text, c.span) for c in candidates]
    ids = [plain_ids(tokenizer, text) for text in texts]
    return [g.text.strip().split("\n")[0].strip() for g in generator.generate(ids, 32, stop=newline)]


def reject(question: str, candidate: Candidate, seen: set[str]) -> str | None:
    """-> why the question is not worth keeping, or None. Pure but for `seen`, the normalized questions kept so far."""
    content = _content(question)
    if not question.endswith("?") or not 4 <= len(question.split()) <= 30:
        return "not a question of 4 to 30 words"
    if re.search(r"\b(this|the) (passage|text|sentence|document|paragraph|answer)\b", question.lower()):
        return "points at the text"
    if normalize(candidate.span) and normalize(candidate.span) in normalize(question):
        return "contains its answer"
    if len(content & _content(candidate.text + " " + candidate.headings)) < 2:
        return "shares fewer than two words with its sentence"
    if content and len(content - _content(candidate.text + " " + candidate.headings)) > len(content) / 2:
        return "mostly about something else"
    if normalize(question) in seen:
        return "duplicate"
    return None


def _content(text: str) -> set[str]:
    return set(words(text)) - STOPWORDS


def _shots() -> str:
    return "".join(f"{ask_for(*shot[:3])} {shot[3]}\n\n" for shot in SHOTS)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
