"""The round trip: whether a question leads back to its span, by the reader and by the cross-encoder."""

from __future__ import annotations

from finetune.mining.answer_spans import find_answer_spans
from finetune.mining.candidates import Candidate
from rag.answering.answerer import Answerer
from rag.core.chunk import Chunk
from rag.core.sections import AnswerSettings
from rag.core.sentences import sentence_spans
from rag.core.settings import Settings
from rag.core.text_metrics import normalize
from rag.encoder_factory import open_shipped_reranker
from rag.factory import open_generator, open_span_selector, shipped_reader
from rag.generation import prompt
from rag.models.cross_encoder import CrossEncoder, claim_and_evidence
from rag.retrieval.passage import Passage

KIND_GROUPS = (  # kinds of spans that one question can be answered with
    {"date", "time"},
    {"amount", "number"},
    {"name", "term", "cell", "tail"},
    {"reason", "condition", "duty", "definition"},
)


class RoundTrip:
    """Asks the reader and the cross-encoder about a question's span."""

    def __init__(self, answerer: Answerer | None, reranker: CrossEncoder):
        """answerer: one that answers with spans, None where no reader fits the base."""
        self._answerer, self._reranker = answerer, reranker

    def read(self, question: str, chunk: Chunk) -> str | None:
        """Return what the reader answers from the passage alone, "" for nothing, None where there is no reader.

        Its encoding of the passage serves all questions on it.
        """
        if not self._answerer:
            return None
        answer = prompt.parse_answer(self._answerer.answer(question, [Passage(chunk, 0.0, None)]).output)
        return "" if answer.refused else answer.text

    def support(self, question: str, candidate: Candidate, shown: list[Chunk]) -> tuple[float, float]:
        """Return two scores of the cross-encoder, from 0 to 1.

        The first: how well the sentence supports the span as the answer. The second: the best score of another span of
        its kind, in this passage or in those shown with it; 0 where there is none.
        """
        passages = [candidate.chunk, *(chunk for chunk in shown if chunk != candidate.chunk)]
        pairs = [claim_and_evidence(question, candidate.span, candidate.chunk, candidate.sentence)]
        for chunk, sentence, span in find_rivals(question, candidate, passages):
            pairs.append(claim_and_evidence(question, span, chunk, sentence))
        support, *others = self._reranker.score_pairs(pairs)
        return support, max(others, default=0.0)


def find_rivals(question: str, candidate: Candidate, passages: list[Chunk]) -> list[tuple[Chunk, tuple[int, int], str]]:
    """Return passage, sentence and text of each span that could be the answer instead.

    It is of a kind like the candidate's, and neither part of its span nor of the question.
    """
    kinds = next(kinds for kinds in KIND_GROUPS if candidate.kind in kinds)
    own, asked = normalize(candidate.span), normalize(question)
    found: dict[tuple[Chunk, tuple[int, int], str], str] = {}
    for chunk in passages:
        for first, last in sentence_spans(chunk.text):
            for kind, _, span in find_answer_spans(chunk.text[first:last]):
                other = normalize(span)
                if kind in kinds and other not in own and own not in other and other not in asked:
                    found.setdefault((chunk, (first, last), other), span)
    return [(chunk, sentence, span) for (chunk, sentence, _), span in found.items()]


def open_round_trip(settings: Settings) -> RoundTrip:
    """Open the round trip with the shipped cross-encoder, and the shipped reader where it fits the configured base."""
    reader, answerer = shipped_reader(settings), None
    if reader:
        answerer = Answerer(open_generator(settings, reader), AnswerSettings(), open_span_selector(settings))
    return RoundTrip(answerer, open_shipped_reranker(settings))
