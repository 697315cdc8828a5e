"""Documents are dealt before mining, by a hash of their id, so that a document's part never depends on the others."""

from __future__ import annotations

import hashlib

UNMINED, DEV, TRAIN = "unmined", "dev", "train"


def part(document: str) -> str:
    """-> "unmined" for a fifth of the documents, "dev" for a tenth, "train" for the rest."""
    bucket = int.from_bytes(hashlib.sha256(document.encode()).digest()[:4]) % 10
    return UNMINED if bucket < 2 else DEV if bucket == 2 else TRAIN
