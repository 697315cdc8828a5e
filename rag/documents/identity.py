"""What decides the chunks of a document; an index made otherwise is outdated. Imports nothing heavy."""

from __future__ import annotations

import json

from rag.core.sections import ChunkSettings

# Raised when the same file gives other text, sections or chunks than before.
PARSERS_VERSION = "8"
SENTENCE_END = "sentence end"
SEPARATORS = ["\n\n", SENTENCE_END, "\n", "; ", " "]  # where prose is cut, the best first


def chunker_identity(settings: ChunkSettings) -> str:
    """Return what must be equal for two indexes to hold the same chunks of the same documents."""
    identity = {
        "splitter": "recursive-characters-3",
        "parsers": PARSERS_VERSION,
        "size": settings.size,
        "separators": SEPARATORS,
    }
    return json.dumps(identity)


def explain_difference(key: str, stored: str, wanted: str) -> str:
    """Return in words how an index was made otherwise than now.

    key: "embedder" or "chunker". stored, wanted: the index's identity and that of now, as `chunker_identity` gives it.
    """
    if key != "chunker":
        return f"with another {key}, {stored}, not {wanted}"
    try:
        before, now = json.loads(stored), json.loads(wanted)
    except ValueError:
        before = now = {}
    if before.get("parsers") != now.get("parsers"):
        return "by another version of this program, which read documents otherwise"
    if before.get("size") != now.get("size"):
        return f"with chunk.size {before.get('size')}, not {now.get('size')}"
    return "by another version of this program, which cut documents otherwise"
