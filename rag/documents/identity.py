"""What decides the chunks of a document; an index made otherwise is outdated. Imports nothing heavy."""

from __future__ import annotations

import json

from rag.core.sections import ChunkSettings

# Raised when the same file gives other text, sections or chunks than before.
PARSERS_VERSION = "7"
SEPARATORS = ["\n\n", "\n", ". ", "? ", "! ", "; ", " "]  # where prose is cut, the best first


def chunker_identity(settings: ChunkSettings) -> str:
    """Return what must be equal for two indexes to hold the same chunks of the same documents."""
    identity = {
        "splitter": "recursive-characters-2",
        "parsers": PARSERS_VERSION,
        "size": settings.size,
        "separators": SEPARATORS,
    }
    return json.dumps(identity)
