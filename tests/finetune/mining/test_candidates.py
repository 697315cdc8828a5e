"""Candidates are dealt evenly over documents and sections, and mark their span."""

import dataclasses
from collections import Counter

from fakes import passage
from finetune.data.split import UNMINED, document_part
from finetune.mining.candidates import Candidate, choose_candidates
from rag.core.chunk import Chunk

SENTENCE = "The crane on the north quay lifts 40 tonnes in calm weather."


CHUNK = passage(SENTENCE, headings=("Crane manual", "Limits")).chunk


CANDIDATE = Candidate(CHUNK, (0, len(SENTENCE)), SENTENCE.index("40"), "40 tonnes", "amount")


def test_a_candidate_marks_its_span():
    assert CANDIDATE.marked == "The crane on the north quay lifts <<40 tonnes>> in calm weather."
    assert CANDIDATE.headings == "Crane manual > Limits"


def chunks_of(documents, each=3):
    text = "The crane lifts 40 tonnes by 17:30 every day. The fee for that is £15 a night in summer."
    return [Chunk(d, "T", n * 200, n * 200 + len(text), text, (), None) for d in documents for n in range(each)]


def test_candidates_are_dealt_evenly_and_never_from_unmined_documents():
    names = [f"{n}.md" for n in range(12)]
    chunks = chunks_of(names)
    chosen = choose_candidates(chunks, 2 * sum(document_part(n) != UNMINED for n in names), 0)
    counts = Counter(c.chunk.document for c in chosen)
    assert set(counts) == {n for n in names if document_part(n) != UNMINED} != set(names)
    assert set(counts.values()) == {2}
    assert chosen == choose_candidates(chunks, len(chosen), 0)


def test_candidates_end_when_the_corpus_does():
    mined_names = [n for n in (f"{n}.md" for n in range(9)) if document_part(n) != UNMINED]
    assert len(choose_candidates(chunks_of(mined_names), 1000, 0)) == len(mined_names) * 3 * 2


def test_candidates_are_dealt_over_sections():
    chunks = [dataclasses.replace(c, headings=(f"Part {n % 3}",)) for n, c in enumerate(chunks_of(["a.md"], 30))]
    counts = Counter(c.chunk.headings for c in choose_candidates(chunks, 9, 0))
    assert document_part("a.md") != UNMINED and set(counts.values()) == {3}


def test_what_a_sentence_ends_on_is_asked_for_only_where_there_is_nothing_else():
    text = "The crane of 1987 is kept in the blue drawer. The spare key is kept in the red drawer."
    chunk = Chunk("a.md", "T", 0, len(text), text, (), None)
    assert {c.span for c in choose_candidates([chunk], 9, 0)} == {"1987", "the red drawer"}
