"""The row that a question earns: its context is what the serving retriever returns, its label what that context can answer."""

from __future__ import annotations

from typing import Protocol

from finetune.data.rows import TrainingRow
from finetune.mining import filters
from finetune.mining.multihop import MULTIHOP, MultihopQuestion, one_is_enough
from finetune.mining.question_prompt import Candidate
from finetune.mining.unanswerable import SWAPPED, SwappedQuestion, stands_in
from rag.core.chunk import Chunk
from rag.core.sections import RetrievalSettings
from rag.core.text_metrics import normalize
from rag.retrieval.retriever import Passage


class Searcher(Protocol):
    """A retriever, or what stands before one."""

    settings: RetrievalSettings

    def search(self, question: str, k: int | None = None) -> list[Passage]: ...


def label(
    question: str,
    spot: Candidate,
    chunk: Chunk,
    retriever: Searcher,
    leave_out: bool,
    reach: int,
    *,
    otherwise: bool = False,
) -> tuple[TrainingRow | None, str | None]:
    """-> the row, or None and the reason. The context is what the serving retriever returns, with its mistakes: where the chunk is not in it the label is the
    refusal (unlike RAFT's script, arXiv 2403.10131, which keeps the answer), unless a passage shown holds the answer too. otherwise: keep it where another
    passage gives another answer."""
    shown, width = [p.chunk for p in retriever.search(question, reach)], retriever.settings.passages
    if chunk not in shown:
        return None, f"does not find its passage among {reach}"
    if leave_out:
        shown.remove(chunk)
    context = shown[:width]
    reason = filters.answered_otherwise(question, spot, [c for c in context if c != chunk])
    if reason and not otherwise:
        return None, reason
    id, gold = f"{chunk.document}:{chunk.start}:{question}", (chunk.start, chunk.end)
    if chunk in context:
        return TrainingRow(
            id, question, spot.span, "answerable", chunk.document, gold, tuple(context), context.index(chunk) + 1
        ), None
    if any(normalize(spot.span) in normalize(c.text) for c in context):
        return None, "answered by another passage as well"
    kind = "left out" if leave_out else "not retrieved"
    return TrainingRow(id, question, spot.span, kind, chunk.document, gold, tuple(context), 0), None


def unanswerable_row(
    said: str, way: SwappedQuestion, row: TrainingRow, retriever: Searcher
) -> tuple[TrainingRow | None, str | None]:
    """-> a row whose label is the refusal, or None and the reason. Hard only where the passage of the question that was twisted still comes back.
    said: the twisted question in its voice."""
    context = [p.chunk for p in retriever.search(said)]
    if (row.document, row.gold) not in [(c.document, (c.start, c.end)) for c in context]:
        return None, "does not find the passage that it was made from"
    if stands_in(way.term, context):
        return None, "a passage shown has the new term"
    return TrainingRow(
        f"{row.document}:{row.gold[0]}:{said}", said, row.answer, SWAPPED, row.document, row.gold, tuple(context), 0
    ), None


def multihop_row(
    made: MultihopQuestion, chunks: list[Chunk], retriever: Searcher
) -> tuple[TrainingRow | None, str | None]:
    """-> the row, or None and the reason: both passages must be needed, and come back."""
    home, other = chunks[made.spot.chunk], chunks[made.by.chunk]
    if reason := one_is_enough(made, home, other):
        return None, reason
    context = [p.chunk for p in retriever.search(made.question)]
    if home not in context or other not in context:
        return None, "does not find both of its passages"
    id = f"{home.document}:{home.start}:{made.question}"
    cited, also = context.index(home) + 1, context.index(other) + 1
    return TrainingRow(
        id,
        made.question,
        made.spot.span,
        MULTIHOP,
        home.document,
        (home.start, home.end),
        tuple(context),
        cited,
        (also,),
    ), None
