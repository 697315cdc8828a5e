"""The label of a question: its context is what the serving retriever returns, and what that can answer is the label."""

from __future__ import annotations

from typing import Protocol

from finetune.data.rows import ANSWERABLE, LEFT_OUT, NOT_RETRIEVED, TrainingRow
from finetune.mining import filters
from finetune.mining.candidates import Candidate
from rag.core.chunk import Chunk
from rag.core.sections import RetrievalSettings
from rag.core.text_metrics import normalize
from rag.retrieval.passage import Passage


class Searcher(Protocol):
    """What mining needs of a retriever."""

    @property
    def chunks(self) -> list[Chunk]:
        """All chunks of the index."""
        ...

    @property
    def settings(self) -> RetrievalSettings:
        """The serving settings."""
        ...

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        """Return the `k` best passages, as many as are shown to the generator by default."""
        ...


class CachedSearcher:
    """Searches once for a question that is searched for several times in a row."""

    def __init__(self, retriever: Searcher, reach: int):
        """reach: the most passages that anybody will want."""
        self.chunks: list[Chunk] = retriever.chunks
        self.settings: RetrievalSettings = retriever.settings
        self._retriever, self._reach = retriever, max(reach, retriever.settings.passages)
        self._question: str | None = None
        self._found: list[Passage] = []

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        """Return the `k` best passages, as many as are shown to the generator by default."""
        if question != self._question:
            self._question, self._found = question, self._retriever.search(question, self._reach)
        return self._found[: k or self.settings.passages]


def label_question(
    question: str,
    candidate: Candidate,
    searcher: Searcher,
    reach: int,
    *,
    leave_out: bool = False,
    allow_other_answers: bool = False,
) -> TrainingRow | str:
    """Return the row for a question about the candidate, or the reason why there is none.

    The context is what the serving retriever returns, with its mistakes. Where the candidate's passage is not in it,
    the label is the refusal, unlike in RAFT's published script (Zhang et al., 2024, arXiv 2403.10131), which keeps the
    answer. There is no row where another passage shown holds the answer too.

    reach: among how many passages the candidate's must be found. leave_out: take it out of the context.
    allow_other_answers: keep questions that another passage answers otherwise.
    """
    chunk, found = candidate.chunk, [passage.chunk for passage in searcher.search(question, reach)]
    if chunk not in found:
        return f"does not find its passage among {reach}"
    if leave_out:
        found.remove(chunk)
    context = tuple(found[: searcher.settings.passages])
    others = [shown for shown in context if shown != chunk]
    if not allow_other_answers and (reason := filters.answered_otherwise(question, candidate, others)):
        return reason
    cited = context.index(chunk) + 1 if chunk in context else 0
    if not cited and any(normalize(candidate.span) in normalize(shown.text) for shown in context):
        return "answered by another passage as well"
    kind = ANSWERABLE if cited else LEFT_OUT if leave_out else NOT_RETRIEVED
    id, gold = row_id(chunk, question), (chunk.start, chunk.end)
    return TrainingRow(id, question, candidate.span, kind, chunk.document, gold, context, cited)


def row_id(chunk: Chunk, question: str) -> str:
    """Return the id of a row: it begins with the document and the passage that the question was made from."""
    return f"{chunk.document}:{chunk.start}:{question}"
