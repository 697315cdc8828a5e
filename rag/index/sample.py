"""The sample corpus of a checkout: documents to try the program with, never to stand unsaid among one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "corpus"


def is_sample(source: str | Path) -> bool:
    """Tell whether a file, or a folder, belongs to the sample corpus."""
    return Path(source).is_relative_to(SAMPLE)


def sample_among_own(documents: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the ids of an index's documents of the sample corpus if there are others too, else none.

    documents: as `DocumentStore.documents` gives them.
    """
    sample = [id for id, (source, _) in documents.items() if is_sample(source)]
    return sample if len(sample) < len(documents) else []
