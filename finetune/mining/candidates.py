"""Candidates: the answer spans that questions are wanted for, spread evenly over documents and their sections."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.data.split import UNMINED, document_part
from finetune.mining.answer_spans import find_answer_spans
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans

SENTENCE_WORDS = range(5, 61)  # shorter sentences say too little to ask about; longer ones are mostly lists


@dataclass(frozen=True)
class Candidate:
    """A span of a passage that a question is wanted for.

    sentence: (start, end) of the sentence around it, start: its own first character, all in the passage's text. kind:
    one of finetune.mining.answer_spans.
    """

    chunk: Chunk
    sentence: tuple[int, int]
    start: int
    span: str
    kind: str

    @property
    def headings(self) -> str:
        """The headings above the passage, else its document's title."""
        return self.chunk.heading_path

    @property
    def sentence_text(self) -> str:
        """The sentence as it stands in the passage."""
        return self.chunk.text[slice(*self.sentence)]

    @property
    def around(self) -> tuple[str, str]:
        """The sentence before the span, and after it."""
        (first, last), end = self.sentence, self.start + len(self.span)
        return self.chunk.text[first : self.start], self.chunk.text[end:last]

    @property
    def marked(self) -> str:
        """The sentence with the span between << and >>."""
        before, after = self.around
        return f"{before}<<{self.span}>>{after}"


def choose_candidates(chunks: list[Chunk], most: int, seed: int) -> list[Candidate]:
    """Return up to `most` candidates from documents that may be mined.

    Each round takes one from every document, and within a document one from every section in turn.
    """
    rng = random.Random(seed)
    waiting: dict[str, dict[tuple[str, ...], list[Candidate]]] = {}
    for chunk in chunks:
        if document_part(chunk.document) != UNMINED:
            sections = waiting.setdefault(chunk.document, {})
            sections.setdefault(chunk.headings, []).extend(_find_candidates(chunk, rng))
    queues = [_over_sections(list(sections.values()), rng) for _, sections in sorted(waiting.items())]
    chosen: list[Candidate] = []
    for turn in range(max(map(len, queues), default=0)):
        chosen += [queue[turn] for queue in queues if turn < len(queue)]
        if len(chosen) >= most:
            break
    return chosen[:most]


def _over_sections(sections: list[list[Candidate]], rng: random.Random) -> list[Candidate]:
    for candidates in sections:
        rng.shuffle(candidates)
    rng.shuffle(sections)
    longest = max(map(len, sections), default=0)
    return [candidates[turn] for turn in range(longest) for candidates in sections if turn < len(candidates)]


def _find_candidates(chunk: Chunk, rng: random.Random) -> Iterator[Candidate]:
    """Yield one candidate of each sentence; the phrase that ends it only where it has no other."""
    for first, last in sentence_spans(chunk.text):
        sentence = chunk.text[first:last]
        spans = find_answer_spans(sentence)
        spans = [span for span in spans if span[0] != "tail"] or spans
        if spans and len(sentence.split()) in SENTENCE_WORDS:
            kind, start, span = rng.choice(spans)
            yield Candidate(chunk, (first, last), first + start, span, kind)
