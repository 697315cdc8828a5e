"""What a mined question's passage is confused with: by the serving retriever, and by the generator that answered from the wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

DEPTH = 20  # passages that come back for a question


@dataclass(frozen=True)
class HardNegatives:
    """A question, the chunk that it was written from, and others of which none holds its answer, best first: those that misled the generator before those
    that the retriever found. unclear: chunks that came back and may answer it too (false negatives)."""

    question: str
    right: Chunk
    wrong: list[Chunk]
    unclear: list[Chunk]


@cache
def hard_negatives_for_run(run: str, settings: Settings, index: Path) -> list[HardNegatives]:
    """-> those of the rows that a run teaches; looked for once, though embedder and cross-encoder both train on them."""
    return list(find_hard_negatives(training_rows(run, TRAIN), open_retriever(settings, index), mistakes_of(run)))


def find_hard_negatives(
    rows: list[TrainingRow], retriever: Retriever, misled: dict[str, list[Chunk]]
) -> Iterator[HardNegatives]:
    """-> one for each row that its passage answers, where the index has it as it was mined. misled: as of `misleading`. Raises TrainingError without any."""
    places, found = {place(c): c for c in retriever.chunks}, 0
    for row in rows:
        right = places.get((row.document, *row.gold))
        if right is None or not row.gold_has_answer:  # the document has changed since
            continue
        found += 1
        near = [*misled.get(row.id, []), *(p.chunk for p in retriever.search(row.question, DEPTH))]
        needed = {place(right), *(place(row.passages[number - 1]) for number in row.also)}
        others = {place(c): c for c in near if place(c) not in needed}.values()
        clear = [c for c in others if not _may_answer(c, right, row.answer)]
        yield HardNegatives(row.question, right, clear, [c for c in others if c not in clear])
    if not found:
        raise TrainingError("the index holds none of the mined passages: python -m finetune mine")


def misleading(pairs: Iterable[PreferencePair]) -> dict[str, list[Chunk]]:
    """-> row id: the passages that the wrong answers in preference pairs cite."""
    found: dict[str, list[Chunk]] = {}
    for pair in pairs:
        cited = [n for n in prompt.parse_answer(pair.rejected).cited if 1 <= n <= len(pair.row.passages)]
        found.setdefault(pair.row.id, []).extend(pair.row.passages[n - 1] for n in cited if n != pair.row.cited)
    return found


def mistakes_of(run: str) -> dict[str, list[Chunk]]:
    """-> `misleading` of the run's own preference pairs, without the near misses that nobody made; {} where it has none yet."""
    path = Stage(run, "dpo").folder / "train.jsonl"
    return misleading(pair for pair in read_pairs(path) if not pair.reason.startswith("made:")) if path.exists() else {}


def place(chunk: Chunk) -> tuple[str, int, int]:
    return chunk.document, chunk.start, chunk.end


def _may_answer(chunk: Chunk, right: Chunk, answer: str) -> bool:
    same = chunk.document == right.document and overlaps(chunk.start, chunk.end, right.start, right.end)
    return same or normalize(answer) in normalize(chunk.text)
