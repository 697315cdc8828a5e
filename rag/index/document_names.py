"""How people name documents of the index: by id, by pattern, by folder."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping
from pathlib import Path

from rag.core.errors import StoreError

Documents = Mapping[str, tuple[str, str]]  # as `DocumentStore.documents` gives them


def matching(documents: Documents, names: Iterable[str]) -> list[str]:
    """Return the ids of the documents that are named, sorted.

    A name is an id, a pattern of ids, or a folder or file: as in the ids, or on the disk. Raises StoreError for a name
    that fits no document, with the nearest id.
    """
    found: set[str] = set()
    for name in names:
        ids = [name] if name in documents else _fitting(documents, name)
        if not ids:
            near = difflib.get_close_matches(name, documents, 1, 0)
            nearest = f"; the nearest is {near[0]!r}" if near else ""
            raise StoreError(f"no document is called {name!r}{nearest}: rag documents lists all")
        found.update(ids)
    return sorted(found)


def _fitting(documents: Documents, name: str) -> list[str]:
    folder = name.rstrip("/") + "/"
    ids = fnmatch.filter(documents, name) or [id for id in documents if id.startswith(folder)]
    if ids or not name:
        return ids
    try:
        path = Path(name).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):  # a home that nobody has, a character that no name of a file has
        return []
    return [id for id, (source, _) in documents.items() if Path(source).is_relative_to(path)]
