"""From a path to files: folders, globs, links, what .ragignore leaves out, and the bytes."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pathspec

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.limits import DEFAULTS

IGNORE_FILE = ".ragignore"
PERMISSION = "give yourself permission to read it (chmod u+r)"


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, why, and what mends it."""

    path: Path
    reason: str
    remedy: str = ""


def find_files(target: Path) -> Iterator[tuple[Path, str]]:
    """-> (path, document id) of each file under a folder, of those that a glob pattern names, or of one file, in a fixed order.

    Hidden files and what a .ragignore (gitignore syntax, in any folder) names are left out. The id is the path relative to the folder; for a folder
    inside another that has a .ragignore, and for single files in one, relative to the outermost such: a document keeps its id however it is named.
    Links to files are files; links to folders are not followed, so that there are no loops: those, and folders that can't be opened, are given
    like files, and `load_bytes` says what is wrong with them. Raises DocumentError when there is nothing of that name.
    """
    require_exists(target)
    if not os.path.lexists(target):
        base, named = _base(target), {Path(name) for name in glob.glob(str(target), recursive=True)}
        yield from ((path, id) for path, id in find_files(base) if named.intersection((path, *path.parents)))
        return
    root = _root_of(target)
    if not target.is_dir():
        yield target, (target.parent.resolve() / target.name).relative_to(root).as_posix()
        return
    for path in _walk(target):
        yield path, (target.resolve() / path.relative_to(target)).relative_to(root).as_posix()


def require_exists(target: Path) -> None:
    """Raises DocumentError when there is no such file or folder, and no file that a pattern names."""
    if os.path.lexists(target):
        return
    if not glob.has_magic(str(target)):
        raise DocumentError(f"there is no file or folder {target}")
    if not any(glob.iglob(str(target), recursive=True)):
        raise DocumentError(f"no file is named by {target}")


def _base(pattern: Path) -> Path:
    """-> the folder before the first part with a wildcard."""
    return next(folder for folder in pattern.parents if not glob.has_magic(str(folder)))


def _root_of(target: Path) -> Path:
    folder = (target if target.is_dir() else target.parent).resolve()
    return next((outer for outer in reversed((folder, *folder.parents)) if (outer / IGNORE_FILE).exists()), folder)


def _walk(top: Path) -> Iterator[Path]:
    """Depth first, names in order."""
    stack: list[tuple[Path, tuple]] = [(top, ())]
    while stack:
        path, rules = stack.pop()
        if path != top and (
            os.path.islink(path) or not os.path.isdir(path)
        ):  # pathlib's raise where a folder may be listed but not entered
            yield path
            continue
        try:
            names = sorted((entry.name for entry in os.scandir(path)), reverse=True)
        except OSError:
            yield path
            continue
        if IGNORE_FILE in names:
            rules = (*rules, (path, _rules(path / IGNORE_FILE)))
        stack += [
            (path / name, rules) for name in names if not name.startswith(".") and not _is_ignored(path / name, rules)
        ]


def _rules(file: Path) -> pathspec.PathSpec:
    try:
        return pathspec.PathSpec.from_lines(
            "gitignore", file.read_text(encoding="utf-8", errors="replace").splitlines()
        )
    except OSError as error:
        raise DocumentError(f"{file} can't be read ({error.strerror})", remedy=PERMISSION) from error
    except ValueError as error:
        raise DocumentError(
            f"{file} has a pattern that is none ({error})", remedy="write it as in a .gitignore"
        ) from error


def _is_ignored(path: Path, rules: tuple) -> bool:
    slash = "/" if os.path.isdir(path) and not os.path.islink(path) else ""
    return any(spec.match_file(f"{path.relative_to(folder).as_posix()}{slash}") for folder, spec in rules)


def is_gone(path: Path) -> bool:
    """Whether no file is there any more; one that can't be looked at, as in a folder that is locked, is not gone."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def load_bytes(path: Path, settings: DocumentSettings = DEFAULTS) -> bytes:
    """-> the file's content. Raises DocumentError when nothing reads its format, when it is too large (told before it is read), is no regular
    file (a pipe would wait forever), can't be read or is gone."""
    from rag.documents.formats.registry import require_reader  # with all readers, which listing files needs none of

    try:
        _require_file(path)
        require_reader(path.name)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _require_regular(status.st_mode)
            _require_small(status.st_size, settings)
            data = file.read(settings.max_bytes + 1)
            _require_small(len(data), settings)  # it may have grown
            return data
    except OSError as error:
        raise _unreadable(path, error) from error


def _require_file(path: Path) -> None:
    if os.path.islink(path) and os.path.isdir(path):
        raise DocumentError("a link to a folder, which is not followed", remedy="name that folder itself")
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        next(os.scandir(path), None)  # says why it can't be opened
        raise DocumentError("a folder", remedy="try again; it was a file a moment ago, or could not be opened")
    _require_regular(mode)


def _require_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise DocumentError("a pipe, socket or device, not a file", remedy="name it in .ragignore")


def _require_small(size: int, settings: DocumentSettings) -> None:
    if size > settings.max_bytes:
        raise DocumentError(
            f"{size:,} bytes, more than {settings.max_bytes:,}", remedy="split it, or raise documents.max_bytes"
        )


def _unreadable(path: Path, error: OSError) -> DocumentError:
    if error.errno == errno.ELOOP:
        return DocumentError("a link that leads in a circle", remedy="remove the link, or name it in .ragignore")
    if error.errno == errno.ENOENT and path.is_symlink():
        return DocumentError("a link to a file that is not there", remedy="remove the link, or name it in .ragignore")
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        return DocumentError("gone since it was found", remedy="run the command again")
    if error.errno in (errno.EACCES, errno.EPERM):
        return DocumentError("no permission to read it", remedy=PERMISSION)
    return DocumentError(
        f"it can't be read ({error.strerror or error})", remedy="check the disk, and run the command again"
    )
