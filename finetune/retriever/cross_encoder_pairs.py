"""Pairs that the cross-encoder learns from, made of people's questions: texts that belong together, and near misses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.mining.answer_spans import find_answer_spans
from finetune.retriever.labelled_questions import LabelledQuestion, LabelledQuestions, nearby_chunks
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize
from rag.models.cross_encoder import claim_and_evidence
from rag.models.embedder import Embedder

# Kinds of pairs. RELEVANCE: question and passage. ANSWERS: the same, where only a passage with an answer counts;
# ELSEWHERE: the same again, with another passage. SUPPORT: question with an answer, and a sentence as evidence.
RELEVANCE, ANSWERS, ELSEWHERE, SUPPORT = "relevance", "answers", "elsewhere", "support"
# Before the questions of ANSWERS and ELSEWHERE. Nobody asks the cross-encoder so; the span scorer goes on from what it
# learns by it.
ANSWERED_PREFIX = "answered: "
NEGATIVES_OF_A_KIND = 2  # wrong spans of the answer's sentence, of its passage, and of nearby passages
SPAN_PASSAGES = 6  # nearby passages whose spans are wrong answers


@dataclass(frozen=True)
class RelevancePair:
    """Two texts, and whether the evidence supports the claim (label 1) or not (0)."""

    claim: str
    evidence: str
    label: int
    kind: str


def make_relevance_pairs(
    labelled: LabelledQuestions, embedder: Embedder, negatives: int, seed: int = 0
) -> Iterator[RelevancePair]:
    """Yield the pairs of all kinds for each question. negatives: wrong passages for each question."""
    rng = random.Random(seed)
    chunks = labelled.chunks
    for question, nearby in nearby_chunks(chunks, labelled.questions, embedder):
        others = [n for n in nearby if labelled.paragraphs[n] != question.paragraph]
        if question.answerable is not False:
            yield RelevancePair(question.question, chunks[question.chunk].search_text, 1, RELEVANCE)
            for n in rng.sample(others, min(negatives, len(others))):
                yield RelevancePair(question.question, chunks[n].search_text, 0, RELEVANCE)
        yield from _answer_pairs(question, chunks, others, rng)
        yield from _support_pairs(question, chunks, others, rng)


def _answer_pairs(
    question: LabelledQuestion, chunks: list[Chunk], others: list[int], rng: random.Random
) -> Iterator[RelevancePair]:
    claim = ANSWERED_PREFIX + question.question
    if question.answerable is not None:
        yield RelevancePair(claim, chunks[question.chunk].search_text, int(question.answerable), ANSWERS)
    if question.answerable and others:
        yield RelevancePair(claim, chunks[rng.choice(others)].search_text, 0, ELSEWHERE)


def _support_pairs(
    question: LabelledQuestion, chunks: list[Chunk], others: list[int], rng: random.Random
) -> Iterator[RelevancePair]:
    """Yield the right answer with its sentence, and wrong spans with theirs."""
    if not question.answer:
        return
    chunk = chunks[question.chunk]
    same_sentence: list[RelevancePair] = []
    same_chunk: list[RelevancePair] = []
    for sentence in sentence_spans(chunk.text):
        if question.answer in chunk.text[slice(*sentence)]:
            texts = claim_and_evidence(question.question, question.answer, chunk, sentence)
            yield RelevancePair(*texts, 1, SUPPORT)
            same_sentence += _wrong_spans(question, chunk, sentence)
        else:
            same_chunk += _wrong_spans(question, chunk, sentence)
    nearby = [
        pair
        for n in others[:SPAN_PASSAGES]
        for sentence in sentence_spans(chunks[n].text)
        for pair in _wrong_spans(question, chunks[n], sentence)
    ]
    for pairs in (same_sentence, same_chunk, nearby):
        yield from rng.sample(pairs, min(NEGATIVES_OF_A_KIND, len(pairs)))


def _wrong_spans(question: LabelledQuestion, chunk: Chunk, sentence: tuple[int, int]) -> list[RelevancePair]:
    """Return pairs of the question with the sentence's names, amounts, dates ... that share no word with the answer."""
    words = set(normalize(question.answer).split())
    found = {span for _, _, span in find_answer_spans(chunk.text[slice(*sentence)])}
    wrong = sorted(span for span in found if not words & set(normalize(span).split()))
    return [RelevancePair(*claim_and_evidence(question.question, span, chunk, sentence), 0, SUPPORT) for span in wrong]
