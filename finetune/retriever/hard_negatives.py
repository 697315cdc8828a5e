"""Hard negatives of mined questions: passages that retriever or generator confuses with the right one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from finetune.data.rows import PreferencePair, TrainingRow, read_pairs
from finetune.data.split import TRAIN
from finetune.data.training_set import training_rows
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.core.text_metrics import normalize, overlaps
from rag.factory import open_retriever
from rag.generation import prompt
from rag.retrieval.retriever import Retriever

DEPTH = 20  # passages retrieved for a question

ChunkKey = tuple[str, int, int]  # document, start and end


@dataclass(frozen=True)
class HardNegatives:
    """A question, the passage that it was made from, and other passages that are retrieved for it.

    negatives: passages without its answer, the most confusing first: those that the generator answered from come before
    those that only the retriever found. may_answer: retrieved passages that may answer it too, and so are no negatives.
    """

    question: str
    passage: Chunk
    negatives: list[Chunk]
    may_answer: list[Chunk]


@cache
def hard_negatives_for_run(run: str, settings: Settings, index: Path) -> list[HardNegatives]:
    """Return the hard negatives of a run's training rows.

    They are found once in a process, though embedder and cross-encoder both train on them.
    """
    rows, retriever = training_rows(run, TRAIN), open_retriever(settings, index)
    return list(find_hard_negatives(rows, retriever, misleading_for_run(run)))


def find_hard_negatives(
    rows: Sequence[TrainingRow], retriever: Retriever, misleading: dict[str, list[Chunk]]
) -> Iterator[HardNegatives]:
    """Yield the hard negatives of each row whose passage answers it and is still in the index as it was mined.

    misleading: as `misleading_passages` returns it. Raises TrainingError where no row is left.
    """
    indexed, found = {chunk_key(chunk): chunk for chunk in retriever.chunks}, 0
    for row in rows:
        passage = indexed.get((row.document, *row.gold))
        if passage is None or not row.gold_has_answer:
            continue
        found += 1
        retrieved = [passage.chunk for passage in retriever.search(row.question, DEPTH)]
        needed = {chunk_key(passage), *(chunk_key(row.passages[number - 1]) for number in row.also)}
        others = {chunk_key(c): c for c in [*misleading.get(row.id, []), *retrieved] if chunk_key(c) not in needed}
        may_answer = [c for c in others.values() if _may_answer(c, passage, row.answer)]
        negatives = [c for c in others.values() if c not in may_answer]
        yield HardNegatives(row.question, passage, negatives, may_answer)
    if not found:
        raise TrainingError("the index holds none of the mined passages: python -m finetune mine")


def misleading_passages(pairs: Iterable[PreferencePair]) -> dict[str, list[Chunk]]:
    """Return by row id the passages that the rejected outputs of preference pairs cite."""
    found: dict[str, list[Chunk]] = {}
    for pair in pairs:
        cited = [n for n in prompt.parse_answer(pair.rejected).cited if 1 <= n <= len(pair.row.passages)]
        wrong = [pair.row.passages[n - 1] for n in cited if n != pair.row.cited]
        found.setdefault(pair.row.id, []).extend(wrong)
    return found


def misleading_for_run(run: str) -> dict[str, list[Chunk]]:
    """Return the misleading passages of the run's preference pairs, {} where it has none yet.

    Near misses that were made from rows are left out: no model was misled.
    """
    path = Stage(run, "dpo").folder / "train.jsonl"
    pairs = read_pairs(path) if path.exists() else []
    return misleading_passages(pair for pair in pairs if not pair.reason.startswith("made:"))


def chunk_key(chunk: Chunk) -> ChunkKey:
    """Return what tells a chunk from all others of an index."""
    return chunk.document, chunk.start, chunk.end


def _may_answer(chunk: Chunk, passage: Chunk, answer: str) -> bool:
    overlapping = chunk.document == passage.document and overlaps(chunk.start, chunk.end, passage.start, passage.end)
    return overlapping or normalize(answer) in normalize(chunk.text)
