"""The ids of documents: paths relative to their folder, with more of the path where two folders have the same names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath


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


def _free_id(path: Path, relative: str, used: set[str]) -> str:
    if relative not in used:
        return relative
    whole = (path.parent.resolve() / path.name).parts[1:]
    longer = ("/".join(whole[-n:]) for n in range(len(PurePosixPath(relative).parts) + 1, len(whole) + 1))
    return next((id for id in longer if id not in used), relative)
