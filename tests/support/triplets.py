"""Training rows, as mining writes them."""

from finetune.data.rows import TrainingRow
from rag.core.chunk import Chunk


def row(n: int, cited: int = 1, more: str = "") -> TrainingRow:
    """Return a row about tank n. more: text that lengthens its first passage."""
    texts = [f"Tank {n} holds {n + i} litres.{' ' + more if more and not i else ''}" for i in range(2)]
    passages = tuple(Chunk(f"d{i}.md", f"d{i}", 0, 20, text, ("Tanks",), None) for i, text in enumerate(texts))
    kind = "answerable" if cited else "left out"
    return TrainingRow(f"r{n}", f"What does tank {n} hold?", f"{n} litres", kind, "d0.md", (0, 20), passages, cited)
