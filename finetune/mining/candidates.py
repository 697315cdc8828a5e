"""Which spans to ask for: dealt over documents and sections, the more telling kinds first."""

from __future__ import annotations

import random

from finetune.data.split import UNMINED, document_part
from finetune.mining.answer_spans import find_answer_spans
from finetune.mining.question_prompt import Candidate, candidate
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans


def choose_candidates(chunks: list[Chunk], most: int, seed: int) -> list[Candidate]:
    """-> spans to ask for, dealt evenly over documents and, within each, over its sections: a round takes one span from each document, until there are enough."""
    rng = random.Random(seed)
    waiting: dict[str, dict[tuple, list[Candidate]]] = {}
    for position, chunk in enumerate(chunks):
        if document_part(chunk.document) != UNMINED:
            waiting.setdefault(chunk.document, {}).setdefault(chunk.headings, []).extend(
                _candidates_of(position, chunk, rng)
            )
    queues = {document: _over_sections(list(sections.values()), rng) for document, sections in sorted(waiting.items())}
    chosen: list[Candidate] = []
    for turn in range(max(map(len, queues.values()), default=0)):
        chosen += [queue[turn] for queue in queues.values() if turn < len(queue)]
        if len(chosen) >= most:
            break
    return chosen[:most]


def _over_sections(sections: list[list[Candidate]], rng: random.Random) -> list[Candidate]:
    """-> all of them, one of each section in turn."""
    for spans in sections:
        rng.shuffle(spans)
    rng.shuffle(sections)
    return [
        spans[turn] for turn in range(max(map(len, sections), default=0)) for spans in sections if turn < len(spans)
    ]


def _candidates_of(position: int, chunk: Chunk, rng: random.Random) -> list[Candidate]:
    """One span of each sentence; what it ends on only where there is nothing else."""
    found = []
    for first, last in sentence_spans(chunk.text):
        spans = find_answer_spans(chunk.text[first:last])
        spans = [span for span in spans if span[0] != "tail"] or spans
        if spans and 5 <= len(chunk.text[first:last].split()) <= 60:
            kind, start, span = rng.choice(spans)
            found.append(candidate(position, chunk, (first, last), first + start, span, kind))
    return found
