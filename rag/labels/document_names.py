"""Which document a person means, by the name that stands in a file of labels."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from rag.core.errors import DataError


class DocumentNames:
    """Finds documents by name: as it is, without regard to case and folders, and without its suffix."""

    def __init__(self, documents: Iterable[str]) -> None:
        self._documents = sorted(set(documents))
        self._found: dict[str, str] = {}

    def find(self, name: str) -> str:
        """Return the document of this name. Raises DataError, naming those that come near, where it is not one."""
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> str:
        if name in self._documents:
            return name
        wanted = _plain(name)
        for same in (_same_path, _same_end, _same_name, _same_stem, _named_within):
            found = [document for document in self._documents if same(wanted, _plain(document))]
            if len(found) == 1:
                return found[0]
            if found:
                raise DataError(f"{name!r} can be {' or '.join(map(repr, found[:3]))}")
        near = difflib.get_close_matches(name, self._documents, 1, 0)
        raise DataError(f"{name!r}{f'; the nearest is {near[0]!r}' if near else ''}")


def _plain(name: str) -> PurePosixPath:
    return PurePosixPath(name.strip().replace("\\", "/").casefold())


def _same_path(wanted: PurePosixPath, document: PurePosixPath) -> bool:
    return wanted == document


def _same_end(wanted: PurePosixPath, document: PurePosixPath) -> bool:
    """Return whether one is the end of the other: of the document's path on another machine, or the other way round."""
    shorter = min(len(wanted.parts), len(document.parts))
    return shorter > 0 and wanted.parts[-shorter:] == document.parts[-shorter:]


def _same_name(wanted: PurePosixPath, document: PurePosixPath) -> bool:
    return wanted.name == document.name


def _named_within(wanted: PurePosixPath, document: PurePosixPath) -> bool:
    """Return whether the document's name is a part of what was written, as in "manual.pdf, p. 3"."""
    return re.search(rf"(?<![\w.-]){re.escape(document.name)}(?!\w)", str(wanted)) is not None


def _same_stem(wanted: PurePosixPath, document: PurePosixPath) -> bool:
    return document.stem == wanted.name
