"""Rows to train on, as mining writes them."""

from finetune.data.rows import TrainingRow
from rag.core.chunk import Chunk


def row(n: int, cited: int = 1, more: str = "") -> TrainingRow:
    """-> a row about tank n; `more` lengthens its first passage."""
    texts = [f"Tank {n} holds {n + i} litres.{' ' + more if more and not i else ''}" for i in range(2)]
    passages = tuple(Chunk(f"d{i}.md", f"d{i}", 0, 20, text, ("Tanks",), None) for i, text in enumerate(texts))
    return TrainingRow(
        f"r{n}",
        f"What does tank {n} hold?",
        f"{n} litres",
        "answerable" if cited else "left out",
        "d0.md",
        (0, 20),
        passages,
        cited,
    )
