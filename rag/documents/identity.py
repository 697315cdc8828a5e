"""What an index must share with this version to hold the same chunks; imports nothing heavy, as every command checks it."""

from __future__ import annotations

import json

from rag.core.sections import ChunkSettings

PARSERS_VERSION = "6"  # another number when the same file gives other text, sections or chunks than before
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
