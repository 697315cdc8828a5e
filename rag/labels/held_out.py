"""Which documents of public question sets are left out of all training of what ships, to measure it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

SHARE = 10  # one document in so many is held out
COMMON_TITLE = 0.2  # share of a set's passages that a title may have and still name a document


def held_out(document: str) -> bool:
    """Return whether a document is left out of all training of what ships, to measure it.

    It is decided by a hash of the title, whatever folder or format the document comes in, so that all that is trained
    and all that is measured agree.
    """
    title = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\.\w+$", "", document.lower())).strip("-")
    return int.from_bytes(hashlib.sha256(title.encode()).digest()[:4]) % SHARE == 0


def documents_of(passages: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the name of the document that each passage is part of, by the passage's id.

    passages: rows with id and title. The name is the title; where too many passages share it, or there is none, each
    passage is a document by itself, named by its id.
    """
    titles = Counter(row["title"] for row in passages)
    most = COMMON_TITLE * len(passages)
    return {row["id"]: row["title"] if row["title"] and titles[row["title"]] < most else row["id"] for row in passages}
