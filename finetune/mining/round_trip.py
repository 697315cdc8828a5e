"""Whether a question leads back to its span: the reader is asked it with its passage alone, which is read once for all its questions; the cross-encoder says
how well the sentence bears the span out as its answer, and whether it would rather have another."""

from __future__ import annotations

from finetune.mining.answer_spans import find_answer_spans
from finetune.mining.question_prompt import Candidate
from rag.answering.answerer import Answerer
from rag.core.chunk import Chunk
from rag.core.sections import AnswerSettings
from rag.core.sentences import sentence_spans
from rag.core.settings import Settings
from rag.core.text_metrics import normalize
from rag.factory import open_generator, open_shipped_reranker, open_span_selector, shipped_reader
from rag.generation import prompt
from rag.models.cross_encoder import Reranker, claim_and_evidence
from rag.retrieval.retriever import Passage

ALIKE = (
    {"date", "time"},
    {"amount", "number"},
    {"name", "term", "cell", "tail"},
    {"reason", "condition", "duty", "definition"},
)


class RoundTrip:
    """Question and passages -> what is found there."""

    def __init__(self, answerer: Answerer | None, reranker: Reranker):
        """answerer: one that answers with spans, None where no reader fits the base."""
        self._answerer, self._reranker = answerer, reranker

    def read(self, question: str, chunk: Chunk) -> str | None:
        """-> the likeliest span of the chunk, "" where there is none, None without a reader."""
        if not self._answerer:
            return None
        said = prompt.parse_answer(self._answerer.answer(question, [Passage(chunk, 0.0, None)]).output)
        return "" if said.refused else said.text

    def supports(self, question: str, spot: Candidate, chunk: Chunk, shown: list[Chunk]) -> tuple[float, float]:
        """-> how well the span's sentence bears it out, from 0 to 1, and the same of the best other span of its kind in the passages shown."""
        pairs = [claim_and_evidence(question, spot.span, chunk, spot.sentence)]
        pairs += [
            claim_and_evidence(question, span, c, sentence)
            for c, sentence, span in rivals(question, spot, [chunk, *(s for s in shown if s != chunk)])
        ]
        own, *others = self._reranker.score_pairs(pairs)
        return own, max(others, default=0.0)


def rivals(question: str, spot: Candidate, passages: list[Chunk]) -> list[tuple[Chunk, tuple[int, int], str]]:
    """-> chunk, sentence and text of each span that could be the answer instead: of a like kind, and in neither the span nor the question."""
    kinds = next(kinds for kinds in ALIKE if spot.kind in kinds)
    own, asked = normalize(spot.span), normalize(question)
    found = {}
    for chunk in passages:
        for first, last in sentence_spans(chunk.text):
            for kind, _, span in find_answer_spans(chunk.text[first:last]):
                said = normalize(span)
                if kind in kinds and said not in own and own not in said and said not in asked:
                    found.setdefault((chunk, (first, last), said), span)
    return [(chunk, sentence, span) for (chunk, sentence, _), span in found.items()]


def open_round_trip(settings: Settings) -> RoundTrip:
    """-> the shipped cross-encoder, and the shipped reader where it fits the configured base."""
    reader = shipped_reader(settings)
    answerer = (
        Answerer(open_generator(settings, reader), AnswerSettings(), open_span_selector(settings)) if reader else None
    )
    return RoundTrip(answerer, open_shipped_reranker(settings))
