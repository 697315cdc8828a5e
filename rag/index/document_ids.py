"""The ids of documents: paths relative to their folder, with more of the path where two folders have the same names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from rag.documents.discovery import is_gone


def assign_ids(
    found: Iterable[tuple[Path, str]], ids: dict[str, str], taken: Iterable[str] = ()
) -> list[tuple[Path, str]]:
    """Return each file with the id that it has or gets. A file's own id comes before that of a link to it.

    found: files with their paths relative to their folder. ids: source -> id of files that have one; those of the
    others are added. taken: ids of other documents. Where one of them is a file's relative path, the names of the
    folders above come before it, as many as are needed: "readme.md", then "handbook/readme.md".
    """
    used = {*taken, *ids.values()}
    own_first = sorted(found, key=lambda each: os.path.islink(each[0]))
    assigned = []
    for path, relative in own_first:
        source = str(path.resolve())
        if source not in ids:
            ids[source] = _free_id(path, relative, used)
            used.add(ids[source])
        assigned.append((path, ids[source]))
    return assigned


def ids_of_moved(documents: Mapping[str, tuple[str, str]], found: Iterable[tuple[Path, str]]) -> set[str]:
    """Return ids that files get from documents whose files are gone: they were moved, and are not others of their name.

    documents: as `DocumentStore.documents` gives them. found: as in `assign_ids`. If the bytes are the same for half of
    the names that are in both, a folder was moved, and files that changed meanwhile are taken for moved, too. If not,
    the files may only be out of reach, as on a disk that is not there, and their documents stay.
    """
    same_name = {id: path for path, id in found if id in documents and is_gone(Path(documents[id][0]))}
    same_bytes = {id for id, path in same_name.items() if _digest(path) == documents[id][1]}
    return set(same_name) if 2 * len(same_bytes) >= len(same_name) else same_bytes


def _digest(path: Path) -> str:
    if not path.is_file():  # a pipe would wait forever
        return ""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _free_id(path: Path, relative: str, used: set[str]) -> str:
    if relative not in used:
        return relative
    whole = (path.parent.resolve() / path.name).parts[1:]
    longer = ("/".join(whole[-n:]) for n in range(len(PurePosixPath(relative).parts) + 1, len(whole) + 1))
    return next((id for id in longer if id not in used), relative)
