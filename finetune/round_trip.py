"""Whether a question leads back to its span: the reader is asked it with its passage alone, which is read once for all its questions."""

from __future__ import annotations

from rag import prompt
from rag.answerer import Answerer, AnswerSettings
from rag.chooser import Chooser, read_weights
from rag.chunking import Chunk
from rag.pipeline import open_generator, shipped_reader, shipped_reranker
from rag.retrieval import Passage
from rag.settings import Settings


class RoundTrip:
    """Question and passage -> what the reader finds there."""

    def __init__(self, answerer: Answerer):
        """answerer: one that answers with spans."""
        self._answerer = answerer

    def read(self, question: str, chunk: Chunk) -> tuple[str, float]:
        """-> the likeliest span of the chunk, "" where there is none, and the probability that it is right."""
        answer = self._answerer.answer(question, [Passage(chunk, 0.0, None)])
        said = prompt.parse(answer.output)
        return "" if said.refused else said.text, 1 - answer.confidence if answer.refused else answer.confidence


def open_round_trip(settings: Settings) -> RoundTrip | None:
    """-> the shipped reader with the cross-encoder's word for it, None where the reader does not fit the configured base."""
    reader = shipped_reader(settings)
    if reader is None:
        return None
    return RoundTrip(Answerer(open_generator(settings, reader), AnswerSettings(), Chooser(shipped_reranker(settings), read_weights())))
