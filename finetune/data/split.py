"""Which part of a run a question belongs to: decided before mining, by hashes of its document and of its passage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from rag.core.chunk import Chunk
from rag.core.run_folder import Stage

UNMINED = "unmined"  # documents that are never mined: evaluation asks about them as unseen ones
HELD_OUT = "held out"  # documents whose questions are dealt into DEV and GATE
TRAIN = "train"
DEV = "dev"  # held-out questions to choose by: early stopping, the better stage, calibration
GATE = "gate"  # held-out questions for promotion alone, so that nothing was chosen by what tests it
PARTS = (TRAIN, DEV, GATE)  # the files that mining and imports write
BY_DOCUMENT, BY_PASSAGE = "by document", "by passage"
# Documents are hashed into ten buckets. Of the sample corpus, too, 2 and 4 hold about a fifth.
BUCKETS = 10
UNMINED_BUCKETS, HELD_OUT_BUCKETS = (0, 1), (2, 4)


def document_part(document: str) -> str:
    """Return UNMINED for a fifth of the documents, HELD_OUT for another fifth, TRAIN for the rest."""
    bucket = int.from_bytes(_hash(document)[:4]) % BUCKETS
    return UNMINED if bucket in UNMINED_BUCKETS else HELD_OUT if bucket in HELD_OUT_BUCKETS else TRAIN


@dataclass(frozen=True)
class Split:
    """How the passages of an index are dealt into parts. A passage's part never depends on order or seed.

    held_out: BY_DOCUMENT where the held-out documents have passages for both DEV and GATE. Else BY_PASSAGE: the corpus
    is so small that a fifth of the passages of training documents is held out as well.
    """

    held_out: str = BY_DOCUMENT

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> Split:
        """Return the split that suits these chunks, which are all of the index."""
        found = {_held_out_part(c.document, c.start) for c in chunks if document_part(c.document) == HELD_OUT}
        return cls(BY_DOCUMENT if found >= {DEV, GATE} else BY_PASSAGE)

    @classmethod
    def of_run(cls, run: str, chunks: Iterable[Chunk] = ()) -> Split:
        """Return the split that the run was mined with, and where it was not mined the one that suits the chunks."""
        mined = Stage(run, "mine")
        return cls(mined.result().get("held_out", BY_DOCUMENT)) if mined.finished else cls.of(chunks)

    def part_of(self, document: str, start: int) -> str:
        """Return the part of all questions on a passage, which is named by its document and its first character."""
        part = document_part(document)
        if part == UNMINED:
            return UNMINED
        if part == TRAIN and self.held_out == BY_PASSAGE and document_part(f"{document}:{start}") == HELD_OUT:
            part = HELD_OUT
        return _held_out_part(document, start) if part == HELD_OUT else TRAIN


def _held_out_part(document: str, start: int) -> str:
    # Not the bytes that decide whether it is held out, or all of those would fall to one side.
    return GATE if _hash(f"{document}:{start}")[4] % 2 else DEV


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
