"""What children write while the test process reads. They wait for the reader's searches, never for the clock."""

import time
from pathlib import Path

from hash_embedder import HashEmbedder
from index_processes import IDENTITY
from rag.index.indexing import IndexingSettings, compact, sync
from rag.index.writer import StoreWriter

CRANES = 6


def write_cranes(docs: Path, generation: int) -> None:
    """Write documents whose every part names the generation; of some, in turns, none does."""
    docs.mkdir(exist_ok=True)
    for n in range(CRANES):
        parts = [
            f"# Part {p}\n\nGeneration {generation} of crane {n}: it lifts {generation + p} tonnes." for p in range(4)
        ]
        (docs / f"{n}.md").write_text("\n\n".join(parts) if (generation + n) % 4 else "# Away\n\nNothing.")


def write_short_cranes(docs: Path, generation: int) -> None:
    """Write documents of one sentence, which names the generation."""
    docs.mkdir(exist_ok=True)
    for n in range(8):
        (docs / f"{n}.md").write_text(f"# Crane {n}\n\nCrane {n} is of generation {generation}.")


def write_generations(index: Path, docs: Path, write, generations: int, compact_every: int, searches) -> None:
    """Index one generation after another; after each, wait until the reader has made a few searches more.

    searches: a number shared with the reader, which counts its searches.
    """
    writer = StoreWriter(index, IDENTITY)
    for generation in range(1, generations):
        write(docs, generation)
        sync(writer, HashEmbedder(), docs, IndexingSettings())
        if generation % compact_every == 0:
            compact(writer)
        before = searches[0]
        while searches[0] < before + 4:
            time.sleep(0.001)


def make_index(index: Path) -> None:
    StoreWriter(index, IDENTITY, create=True).close()
